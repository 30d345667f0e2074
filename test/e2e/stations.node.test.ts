/**
 * All stations on one page: driven in Chinese (chapter.node.test.ts drives them in English), their exports read back, then
 * looked at for accessibility and width in both languages, light and dark; and all of them without WebGPU.
 * With SCREENSHOTS=FOLDER it writes pictures of what stands around the stations, at three widths.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import type { Locator, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { STATIONS } from "../../demo/stations/registry.js";
import { type Site, startSite, textOf } from "./site.js";
import {
  csvRows,
  interactions,
  type Language,
  LIMIT,
  measured,
  PAGES,
  press,
  show,
  sourcesIn,
  tableOf,
} from "./station-driver.js";

/** The narrowest screen, in CSS pixels. */
const NARROW = 320;
/** Its rows are judgements of what the other stations have measured on this device; without a GPU some say "not yet". */
const JUDGES = 9;

const FOLDER = process.env.SCREENSHOTS;
const WIDTHS = [360, 1280, 1920];

let site: Site;
beforeAll(async () => {
  site = await startSite("stations");
});
afterAll(() => site.close());

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate<AxeResults>("axe.run()");
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`);
}

async function saved(page: Page, station: Locator, name: string): Promise<Buffer> {
  const download = page.waitForEvent("download");
  await press(station, name);
  return readFile(await (await download).path());
}

/** Table and figure as files, each read as what it says it is. */
async function checkExports(page: Page, station: Locator, number: number): Promise<void> {
  const what = `station ${number}`;
  const json = JSON.parse((await saved(page, station, "JSON")).toString()) as {
    readonly station: number;
    readonly rows: readonly object[];
  };
  expect(json.station, what).toBe(number);
  const [head, ...rows] = csvRows((await saved(page, station, "CSV")).toString());
  expect(rows, what).toHaveLength(json.rows.length);
  for (const row of rows) expect(row, what).toHaveLength(head?.length ?? 0);

  const { error, size, drawn } = await page.evaluate((source) => {
    const parsed = new DOMParser().parseFromString(source, "image/svg+xml");
    const svg = parsed.documentElement;
    return {
      error: parsed.querySelector("parsererror")?.textContent ?? null,
      size: [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))] as const,
      drawn: svg.querySelectorAll("rect, path, polyline, circle, line, text").length,
    };
  }, (await saved(page, station, "SVG")).toString());
  expect(error, what).toBeNull();
  expect(drawn, what).toBeGreaterThan(3); // more than its paper

  const png = await saved(page, station, "PNG");
  expect(png.subarray(0, 8).toString("latin1"), what).toBe("\x89PNG\r\n\x1a\n");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  expect(Math.min(width, height, ...size), what).toBeGreaterThan(0);
}

/** In the language that the page is in: nothing axe objects to, light or dark, and nothing beyond a narrow screen. */
async function checkLooks(page: Page, language: Language): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect.soft(await violations(page), `${language}, ${colorScheme}`).toEqual([]);
  }
  const before = page.viewportSize();
  await page.setViewportSize({ width: NARROW, height: 800 });
  const beyond = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(beyond, { message: `${language}, ${NARROW} px` }).toBeLessThanOrEqual(0);
  if (before) await page.setViewportSize(before);
}

/** Pictures of parts of the page, by name. */
async function pictures(page: Page, parts: Readonly<Record<string, string>>, ending: string): Promise<void> {
  if (!FOLDER) return;
  await mkdir(FOLDER, { recursive: true });
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 1000 });
    await page.waitForTimeout(200);
    for (const [name, selector] of Object.entries(parts)) {
      const clip = await page.locator(selector).evaluate((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + scrollX, y: y + scrollY, width, height };
      });
      await page.screenshot({ path: join(FOLDER, `${name}-${ending}-${width}.png`), clip, fullPage: true });
    }
  }
  if (before) await page.setViewportSize(before);
}
const AROUND = { hero: ".first", quiz: "closing-quiz", studio: "#studio" };

test("in Chinese every station measures, answers its reader and exports; both languages look right", {
  timeout: 2 * LIMIT,
}, async () => {
  const { page, complaints } = await site.open("/?lang=zh", {
    reducedMotion: "reduce",
    viewport: { width: 1280, height: 900 },
  });
  const { chapter } = PAGES.zh;
  for (const [i, { act, measures, elsewhere }] of interactions("zh").entries()) {
    const number = i + 1;
    const station = await show(page, number);
    await measured(station, "zh");
    expect(await textOf(page, `#station-${number} h2`)).toContain(chapter.titles[i]);
    expect(sourcesIn(await tableOf(station, "json")), `station ${number}`).toContain("measured");
    const before = await tableOf(station, "csv");
    await act(station);
    if (measures) await measured(station, "zh");
    if (!elsewhere)
      await expect
        .poll(() => tableOf(station, "csv"), { timeout: LIMIT, message: `station ${number}` })
        .not.toBe(before);
    await checkExports(page, station, number);
  }
  await checkLooks(page, "zh");
  await pictures(page, AROUND, "zh");
  await page.locator("#language").selectOption("en");
  await expect.poll(() => textOf(page, "#station-1 h2")).toContain(PAGES.en.chapter.titles[0]);
  await checkLooks(page, "en");
  await pictures(page, AROUND, "en");
  expect(complaints).toEqual([]);
  await page.context().close();
});

test.each(["en", "zh"] as const)(
  "without WebGPU, in %s, every station has a table and says whence it is",
  {
    timeout: LIMIT,
  },
  async (language) => {
    const { page, complaints } = await site.open(`/?lang=${language}`, {
      reducedMotion: "reduce",
      before: () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
    });
    await page.locator("no-webgpu button").waitFor();
    const { status, sources } = PAGES[language].chapter;
    for (const i of STATIONS.keys()) {
      const station = await show(page, i + 1);
      const what = `station ${i + 1}`;
      expect(await station.locator(".progress [role=status]").innerText(), what).toBe(status.noGpu);
      const rows = station.locator("tbody tr:not(:has(.none))");
      await rows
        .first()
        .waitFor({ timeout: 20_000 })
        .catch(() => undefined); // what is missing is said below
      expect.soft(await rows.count(), what).toBeGreaterThan(0);
      for (const row of await rows.all()) {
        const marks = (await row.locator(".mark").allInnerTexts()).join();
        if (i + 1 !== JUDGES) expect.soft(marks, `${what}: ${await row.innerText()}`).not.toBe("");
        expect.soft(marks, what).not.toContain(sources.measured);
      }
    }
    await checkLooks(page, language);
    await pictures(page, { "no-webgpu": "#studio", "no-webgpu-hero": ".first" }, language);
    expect(complaints).toEqual([]);
    await page.context().close();
  },
);
