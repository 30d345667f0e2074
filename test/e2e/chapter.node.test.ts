/** What the page's parts do with a real model on the software adapter of the browser, besides the tour of its stations. */
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { STATIONS } from "../../demo/stations/registry.js";
import { keeps, pictures, record } from "./pictures.js";
import { contentOf, type Site, startSite, textOf } from "./site.js";
import { LIMIT, measured, show, tableOf } from "./station-driver.js";

/** A number with its origin, as tables are saved. */
type Cell = { readonly value: number | string | null; readonly source: string };
interface Exported {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}
type LearnerElement = HTMLElement & { recording(): object };

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const heroStatus = (page: Page) => textOf(page, "tiny-learner [role=status]");
const heroStep = async (page: Page) => Number(/step (\d+)/i.exec(await heroStatus(page))?.[1] ?? 0);
const heroButton = (page: Page, name: string) =>
  page.locator("tiny-learner").getByRole("button", { name, exact: true });

/** As a browser does when its window is covered, or seen again. */
const cover = (page: Page, hidden: boolean) =>
  page.evaluate((to) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => to });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

test("the model at the top learns by itself, goes on where it was paused, and gives way to the studio", {
  timeout: LIMIT,
}, async () => {
  const { page, complaints } = await site.open("/?lang=en", { viewport: { width: 1280, height: 900 } });
  // Before any GPU work the wheel is there, and can be turned by keyboard.
  const wheel = page.locator("hash-wheel [role=slider]");
  const where = await wheel.getAttribute("aria-valuenow");
  await wheel.press("ArrowRight");
  await expect.poll(() => wheel.getAttribute("aria-valuenow")).not.toBe(where);
  await wheel.blur();
  await expect.poll(() => heroStep(page), { timeout: LIMIT }).toBeGreaterThan(1);
  expect(await contentOf(page, "tiny-learner")).toContain(en.chapter.measuredOn(""));

  // Paused by the space bar: steps that had begun are finished, then one step is one step, and it goes on from there.
  await page.keyboard.press("Space");
  await expect.poll(() => heroStatus(page)).toMatch(/^Paused at step/);
  const paused = await heroStep(page);
  await heroButton(page, en.hero.learner.step).click();
  await expect
    .poll(() => heroStatus(page), { timeout: LIMIT })
    .toMatch(new RegExp(`^Paused at step (?!${paused}\\.)`));
  const next = await heroStep(page);
  expect(next).toBeGreaterThan(paused);
  await heroButton(page, en.hero.learner.step).click();
  await expect
    .poll(() => heroStatus(page), { timeout: LIMIT })
    .toBe(en.hero.learner.paused(String(next + 1)));
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await heroButton(page, en.hero.learner.resume).click();
  await expect.poll(() => heroStep(page), { timeout: LIMIT }).toBeGreaterThan(next + 1);

  // A hidden page learns nothing, and goes on when it is seen again.
  await cover(page, true);
  await expect.poll(() => heroStatus(page)).toBe(en.hero.learner.hidden);
  await cover(page, false);
  await expect.poll(() => heroStep(page), { timeout: LIMIT }).toBeGreaterThan(next + 1);

  await page.getByRole("button", { name: en.run.train, exact: true }).click();
  await expect.poll(() => heroStatus(page), { timeout: LIMIT }).toBe(en.hero.learner.waiting);
  await page
    .getByRole("button", { name: en.run.cancel, exact: true })
    .or(page.getByRole("button", { name: en.run.stop, exact: true }))
    .first()
    .click();
  await expect.poll(() => heroStep(page), { timeout: LIMIT }).toBeGreaterThan(next + 1);
  if (keeps) {
    await expect.poll(() => heroStatus(page), { timeout: LIMIT }).toMatch(/^Learned in/);
    const learner = page.locator("tiny-learner");
    await record("hero", await learner.evaluate((it) => (it as LearnerElement).recording()));
    await pictures(page, { learned: learner }, "en");
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("the curve of full attention ends where its planned memory is more than the adapter allows", {
  timeout: LIMIT,
}, async () => {
  const { page } = await site.open("/?lang=en", {
    reducedMotion: "reduce",
    // What the page is told of the adapter: room for 1,024 tokens and not for 2,048.
    before: () => {
      const limits = { maxBufferSize: 2 ** 18, maxStorageBufferBindingSize: 2 ** 17 };
      for (const [name, value] of Object.entries(limits))
        Object.defineProperty(GPUSupportedLimits.prototype, name, { get: () => value });
    },
  });
  const station = await show(page, 4);
  await measured(station, "en");
  const ends = await station.locator("figcaption").innerText();
  expect(ends).toContain(
    "full attention: its memory, as planned, does not fit this adapter from 2,048 tokens on",
  );
  for (const { length, full, lsh } of (JSON.parse(await tableOf(station, "json")) as Exported).rows) {
    const fits = Number(length) <= 1024;
    for (const cell of [full, lsh] as Cell[])
      expect(typeof cell.value, `${length} tokens`).toBe(fits ? "number" : "string");
  }
  await page.context().close();
});

test("stations that nobody has come near are there to be printed, unmeasured", {
  timeout: LIMIT,
}, async () => {
  const { page } = await site.open("/?lang=en", { reducedMotion: "reduce" });
  await expect.poll(() => page.locator(".slot.loaded").count(), { timeout: LIMIT }).toBe(STATIONS.length);
  const last = page.locator(`#station-${STATIONS.length} > *`).first();
  // By textContent: far from the screen nothing is painted.
  expect(await last.locator("h2").textContent()).toContain(en.chapter.titles.at(-1));
  expect(await last.locator(".progress [role=status]").textContent()).not.toBe(en.chapter.status.done);
  await page.context().close();
});
