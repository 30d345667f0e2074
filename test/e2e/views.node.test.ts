/** How the page looks and is read, with a model that only pretends: languages, widths, paper, and without a GPU. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import { FAKE, press, training } from "./fake/open-fake.js";
import { readSvg } from "./figure-files.js";
import { violations } from "./looks.js";
import { contentOf, type Site, startSite, textOf } from "./site.js";
import { show } from "./station-driver.js";

const WIDTHS = [320, 768, 1280, 1920] as const;
const LANGUAGES = { en, zh } as const;

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

describe.each(Object.entries(LANGUAGES))("the page in %s", (language, phrases) => {
  const path = `${FAKE}?lang=${language}`;

  test("has no accessibility violations while training, light and dark", async () => {
    const { page, complaints } = await site.open(path, { reducedMotion: "reduce" }); // else axe meets colours half-way
    await page.locator("run-bar button.primary").click();
    await page.locator("model-sample .text").first().waitFor({ timeout: 20_000 });
    await page.locator("model-settings summary").click();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect.soft(await violations(page), colorScheme).toEqual([]);
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("fits every width from 320 px to a projector", async () => {
    const { page } = await training(site, path);
    await page.locator("model-settings summary").click();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(beyond, `${width} px: content beyond the right edge`).toBeLessThanOrEqual(0);
    }
    await page.context().close();
  });

  test("shows what a test of the GPU found: accessible, and at every width", async () => {
    const { page, complaints } = await site.open(path, { reducedMotion: "reduce" });
    await press(page, phrases.gpuTest.quick);
    await page.getByText(phrases.gpuTest.someFailed("1", "5")).waitFor();
    // What failed is unfolded already.
    await page.locator("gpu-test-report").getByText(`✗ ${phrases.gpuTest.failed}`).waitFor();
    await page.locator("gpu-test-report details").evaluateAll((all) => {
      for (const details of all) (details as HTMLDetailsElement).open = true;
    });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect.soft(await violations(page), colorScheme).toEqual([]);
    }
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(beyond, `${width} px: content beyond the right edge`).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("says what is missing where there is no WebGPU, and how to get it", async () => {
    const { page } = await site.open(path, {
      before: () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
    });
    await page.locator("no-webgpu button").waitFor();
    const shown = await contentOf(page, "no-webgpu");
    for (const phrase of [
      phrases.unsupported.title,
      phrases.unsupported.noApi,
      ...phrases.unsupported.browsers.flat(),
      ...phrases.unsupported.steps.flat(),
    ])
      expect(shown).toContain(phrase);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});

test("switching the language switches the page and is remembered", async () => {
  const { page } = await site.open(FAKE, { locale: "zh-CN" });
  expect(await textOf(page, "run-bar button.primary")).toBe(zh.run.train);
  await page.locator("#language").selectOption("en");
  await expect.poll(() => textOf(page, "run-bar button.primary")).toBe(en.run.train);
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("en");
  await page.reload();
  expect(await textOf(page, "run-bar button.primary")).toBe(en.run.train);
  // Without a word of it in the address, too.
  await page.goto(new URL(FAKE, page.url()).href);
  expect(await textOf(page, "run-bar button.primary")).toBe(en.run.train);
  await page.context().close();
});

test("switching the language of a shared address holds after a reload", async () => {
  const { page } = await site.open(`${FAKE}?lang=zh&preset=base#station-2`);
  expect(await textOf(page, "run-bar button.primary")).toBe(zh.run.train);
  await page.locator("#language").selectOption("en");
  expect(new URL(page.url()).search).toBe("?lang=en&preset=base");
  expect(new URL(page.url()).hash).toBe("#station-2");
  await page.reload();
  expect(await textOf(page, "run-bar button.primary")).toBe(en.run.train);
  await page.context().close();
});

test("the contents lead to a station with the keyboard, and back leads back", async () => {
  const { page } = await site.open(`${FAKE}?lang=en`, { reducedMotion: "reduce" });
  const focused = () =>
    page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element?.id ?? "";
    });
  const atTop = (number: number) =>
    page.locator(`#station-${number}`).evaluate((slot) => Math.abs(slot.getBoundingClientRect().top) < 64);
  for (const number of [2, 9]) {
    await page.locator(`chapter-stations nav a[href="#station-${number}"]`).press("Enter");
    await expect.poll(focused).toBe(`station-${number}`);
    await expect.poll(() => atTop(number)).toBe(true);
    expect(new URL(page.url()).hash).toBe(`#station-${number}`);
  }
  await page.goBack();
  await expect.poll(focused).toBe("station-2");
  await expect.poll(() => atTop(2)).toBe(true);
  await page.goForward();
  await expect.poll(focused).toBe("station-9");
  await page.context().close();
});

test("stations far from the screen are not painted, so that numbers in the studio change without them", async () => {
  const { page } = await site.open(`${FAKE}?lang=en`, { reducedMotion: "reduce" });
  const painted = async (number: number) =>
    (await show(page, number))
      .locator("h2")
      .evaluate((title) => title.checkVisibility({ contentVisibilityAuto: true }));
  const first = page.locator("#station-1 h2");
  await expect.poll(() => painted(1)).toBe(true);
  await expect.poll(() => painted(13)).toBe(true);
  const isSkipped = () => first.evaluate((title) => !title.checkVisibility({ contentVisibilityAuto: true }));
  await expect.poll(isSkipped).toBe(true);
  await page.context().close();
});

test("a figure that is saved on a dark page is light on dark", async () => {
  const { page } = await site.open(`${FAKE}?lang=en`, { colorScheme: "dark", reducedMotion: "reduce" });
  const station = await show(page, 1);
  await station.locator("rect.bar").first().waitFor();
  const download = page.waitForEvent("download");
  await station.getByRole("button", { name: "SVG", exact: true }).click();
  const { paper, inks } = await readSvg(page, await readFile(await (await download).path(), "utf8"));
  expect(paper).toBeLessThan(0.25);
  expect(Math.min(...inks)).toBeGreaterThan(0.6);
  await page.context().close();
});

test("on paper it is light, and shows nothing to press", async () => {
  const { page } = await site.open(`${FAKE}?lang=en`, { colorScheme: "dark", reducedMotion: "reduce" });
  await page.locator("#theme").selectOption("dark");
  await page.locator("run-bar").waitFor();
  await page.locator("chapter-stations").evaluate(async (chapter) => {
    for (const slot of chapter.shadowRoot?.querySelectorAll(".slot") ?? []) {
      slot.scrollIntoView();
      while (!slot.classList.contains("loaded")) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const shown = () =>
    page.evaluate(() => {
      const roots: (Document | ShadowRoot)[] = [document];
      const controls: string[] = [];
      const inks = new Set<string>();
      for (const root of roots) {
        for (const element of root.querySelectorAll("*")) {
          if (element.shadowRoot) roots.push(element.shadowRoot);
          if (!element.checkVisibility()) continue;
          if (element.matches("button, select, input:not([type=radio]), textarea, training-studio"))
            controls.push(`${element.localName} ${element.id}${element.textContent?.trim()}`);
          if (element.matches("p, h2, td")) inks.add(getComputedStyle(element).color);
        }
      }
      // Lightness, as a browser paints it.
      const lightness = (color: string) => {
        const canvas = document.createElement("canvas");
        const context = canvas.getContext("2d");
        if (!context) return Number.NaN;
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        return Math.max(...context.getImageData(0, 0, 1, 1).data.slice(0, 3)) / 255;
      };
      const paper = lightness(getComputedStyle(document.body).backgroundColor);
      return { controls, paper, inks: [...inks].map(lightness) };
    });
  const screen = await shown();
  expect(screen.controls.length).toBeGreaterThan(20);
  expect(screen.paper).toBeLessThan(0.25);
  await page.emulateMedia({ media: "print" });
  const paper = await shown();
  expect(paper.controls).toEqual([]);
  expect(paper.paper).toBeGreaterThan(0.9);
  expect(Math.max(...paper.inks)).toBeLessThan(0.7);
  await page.context().close();
});
