/**
 * The course as a reader meets it, on the software adapter of the browser that runs the tests: every station in turn, in
 * both languages. With SCREENSHOTS=FOLDER it also writes the table of every station and pictures at three widths.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import type { Locator, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import { STATIONS } from "../../demo/stations/registry.js";
import { contentOf, type OpenPage, type Site, startSite, textOf } from "./site.js";

const LIMIT = 900_000;
const FOLDER = process.env.SCREENSHOTS;
const WIDTHS = [360, 1280, 1920];
/** A point of a table: a number with its origin. */
interface Exported {
  readonly station: number;
  readonly adapter: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly data: readonly object[];
}
type StationElement = HTMLElement & { tableAs(kind: "csv" | "json"): string };

let site: Site;
beforeAll(async () => {
  site = await startSite("chapter");
});
afterAll(() => site.close());

const table = async (station: Locator, kind: "csv" | "json") =>
  station.evaluate((element, as) => (element as StationElement).tableAs(as), kind);

/** Waits until a station has measured; fails with its own words where it could not. */
async function measured(station: Locator): Promise<void> {
  const status = station.locator(".progress [role=status]");
  await expect
    .poll(async () => /done|failed/.exec((await status.getAttribute("class")) ?? "")?.[0], { timeout: LIMIT })
    .toBeTruthy();
  expect(await status.innerText()).toBe(en.chapter.status.done);
}

const drag = (input: Locator, value: number) =>
  input.evaluate((element, to) => {
    (element as HTMLInputElement).value = String(to);
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);
const press = (station: Locator, name: string) =>
  station.getByRole("button", { name, exact: true }).first().click();

/** What a reader does at each station, and whether numbers follow at once or after another measurement. */
const INTERACTIONS: readonly {
  readonly act: (station: Locator) => Promise<unknown>;
  readonly measures: boolean;
}[] = [
  { act: (s) => drag(s.locator("input[type=range]").nth(1), 12), measures: false },
  {
    act: (s) => s.locator("#text").fill("sea seas seal sealing ship ships shipping shipped"),
    measures: false,
  },
  { act: (s) => press(s, "full"), measures: true },
  { act: (s) => press(s, "Rounds 1"), measures: true },
  { act: (s) => drag(s.locator("input[type=range]").first(), 10), measures: false },
  { act: (s) => press(s, "stored"), measures: true },
  { act: (s) => press(s, "Make one diverge"), measures: true },
  {
    act: (s) =>
      s
        .locator("#own")
        .fill("Call me Ishmael.")
        .then(() => press(s, "Score it")),
    measures: true,
  },
  {
    act: (s) => drag(s.locator("input[type=range]").first(), 8).then(() => press(s, en.chapter.again)),
    measures: true,
  },
  { act: (s) => press(s, en.chapter.again), measures: true },
  { act: (s) => press(s, "Add this point"), measures: true },
  {
    act: (s) =>
      s
        .locator("#line")
        .fill("Free prize, click now")
        .then(() => press(s, "Sort it")),
    measures: true,
  },
  {
    act: (s) => drag(s.locator("input[type=range]").first(), 0.2).then(() => press(s, "Write")),
    measures: true,
  },
];
/** Stations whose numbers may be the same when they are measured again: their figure or caption follows instead. */
const FOLLOWS_ELSEWHERE = [10, 12];

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate<AxeResults>("axe.run()");
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`);
}

async function show(page: Page, number: number): Promise<Locator> {
  const slot = page.locator(`#station-${number}`);
  await slot.evaluate((element) => element.scrollIntoView());
  const station = slot.locator(":scope > *").first();
  await station.locator(".progress").waitFor();
  return station;
}

async function pictures(page: Page, station: Locator, number: number, language: string): Promise<void> {
  if (!FOLDER) return;
  await mkdir(FOLDER, { recursive: true });
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 1000 });
    await page.waitForTimeout(200);
    const path = join(FOLDER, `station-${String(number).padStart(2, "0")}-${language}-${width}.png`);
    // Of the page: a picture of an element waits until nothing moves, and another station may be measuring.
    const clip = await station.evaluate((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + scrollX, y: y + scrollY, width, height };
    });
    await page.screenshot({ path, clip, fullPage: true });
  }
  if (before) await page.setViewportSize(before);
}

async function saved(page: Page, station: Locator, name: string): Promise<string> {
  const download = page.waitForEvent("download");
  await press(station, name);
  return readFile(await (await download).path(), "latin1");
}

test("every station measures, answers its reader and exports, in both languages", {
  timeout: LIMIT,
}, async () => {
  const opened: OpenPage = await site.open("/?lang=en", {
    reducedMotion: "reduce",
    viewport: { width: 1280, height: 900 },
  });
  const { page, complaints } = opened;
  for (const i of STATIONS.keys()) {
    const number = i + 1;
    const station = await show(page, number);
    await measured(station);
    expect(await textOf(page, `#station-${number} h2`)).toContain(en.chapter.titles[i]);

    // The table says of every number where it comes from, and was filled on this device.
    if (FOLDER) {
      await mkdir(FOLDER, { recursive: true });
      await writeFile(join(FOLDER, `${String(number).padStart(2, "0")}.json`), await table(station, "json"));
    }
    const exported = JSON.parse(await table(station, "json")) as Exported;
    expect(exported.station).toBe(number);
    const sources = exported.rows.flatMap((row) =>
      Object.values(row).flatMap((cell) =>
        cell && typeof cell === "object" && "source" in cell ? [cell.source] : [],
      ),
    );
    expect(sources, `station ${number}`).toContain("measured");
    const lines = (await table(station, "csv")).trimEnd().split("\r\n");
    expect(lines).toHaveLength(exported.rows.length + 1);

    const { act, measures } = INTERACTIONS[i]!;
    const before = await table(station, "csv");
    await act(station);
    if (measures) await measured(station);
    if (!FOLLOWS_ELSEWHERE.includes(number))
      await expect
        .poll(() => table(station, "csv"), { timeout: LIMIT, message: `station ${number}` })
        .not.toBe(before);
    await pictures(page, station, number, "en");
  }

  // Why this letter: evidence tints the text.
  const hashing = await show(page, 10);
  await press(hashing, "Why this letter");
  await measured(hashing);
  expect(await hashing.locator("figcaption").innerText()).toMatch(/with probability/);
  expect(await hashing.locator("rect.for8, rect.against8").count()).toBeGreaterThan(0);

  // The model that comes with the page has found keys.
  const tasks = await show(page, 8);
  expect(await tasks.locator(".found .right").count()).toBeGreaterThan(0);

  // A table and a figure as files.
  const first = await show(page, 1);
  expect((JSON.parse(await saved(page, first, "JSON")) as Exported).data).toHaveLength(4);
  expect(await saved(page, first, "CSV")).toContain("memory,memory is,");
  const drawing = await saved(page, first, "SVG");
  expect(drawing).toMatch(/^<svg[\s\S]*<rect[\s\S]*fill="(rgb|oklch)/);
  expect(drawing).not.toContain("class=");
  expect((await saved(page, first, "PNG")).slice(1, 4)).toBe("PNG");

  // The quiz answers from what was measured.
  const quiz = page.locator("closing-quiz");
  for (const fieldset of await quiz.locator("fieldset").all())
    await fieldset.locator("input").first().check();
  expect(await contentOf(page, "closing-quiz")).not.toContain("has not been measured yet");
  expect.soft(await violations(page), "English").toEqual([]);

  // The same page in Chinese: nothing English is left in titles, words or tables.
  await page.locator("#language").selectOption("zh");
  for (const i of STATIONS.keys()) {
    const station = await show(page, i + 1);
    await expect.poll(() => textOf(page, `#station-${i + 1} h2`)).toContain(zh.chapter.titles[i]);
    const words = await station.locator(".words p").allInnerTexts();
    for (const paragraph of words) expect(paragraph, `station ${i + 1}`).toMatch(/\p{Script=Han}/u);
    for (const head of await station.locator("thead th").allInnerTexts())
      expect(head, `station ${i + 1}`).toMatch(/\p{Script=Han}|GFLOP/u);
    await pictures(page, station, i + 1, "zh");
  }
  expect.soft(await violations(page), "Chinese").toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("the model at the top learns by itself, pauses by the space bar, and gives way to the studio", {
  timeout: LIMIT,
}, async () => {
  const { page, complaints } = await site.open("/?lang=en", { viewport: { width: 1280, height: 900 } });
  const status = () => textOf(page, "tiny-learner [role=status]");
  // Before any GPU work the wheel is there, and can be turned by keyboard.
  const wheel = page.locator("hash-wheel [role=slider]");
  const where = await wheel.getAttribute("aria-valuenow");
  await wheel.press("ArrowRight");
  await expect.poll(() => wheel.getAttribute("aria-valuenow")).not.toBe(where);
  await wheel.blur();
  const step = async () => Number(/Step (\d+)/.exec(await status())?.[1] ?? 0);
  await expect.poll(step, { timeout: LIMIT }).toBeGreaterThan(1);
  await page.keyboard.press("Space");
  await expect.poll(status).toBe(en.hero.learner.paused);
  await page.keyboard.press("Space");
  await expect.poll(step, { timeout: LIMIT }).toBeGreaterThan(0);
  await page.getByRole("button", { name: en.run.train, exact: true }).click();
  await expect.poll(status, { timeout: LIMIT }).toBe(en.hero.learner.waiting);
  await page
    .getByRole("button", { name: en.run.cancel, exact: true })
    .or(page.getByRole("button", { name: en.run.stop, exact: true }))
    .first()
    .click();
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("without WebGPU the stations show what is computed and say what is missing", {
  timeout: LIMIT,
}, async () => {
  const { page, complaints } = await site.open("/?lang=en", {
    before: () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
  });
  await page.locator("no-webgpu button").waitFor();
  for (const number of [1, 2, 5]) {
    const station = await show(page, number);
    expect(await station.locator(".progress [role=status]").innerText()).toBe(en.chapter.status.noGpu);
    await expect
      .poll(async () => (await table(station, "csv")).includes("computed"), { timeout: LIMIT })
      .toBe(true);
  }
  // What was measured elsewhere says so.
  for (const number of [7, 10]) {
    const station = await show(page, number);
    await expect
      .poll(async () => (await table(station, "csv")).includes("recorded"), { timeout: LIMIT })
      .toBe(true);
    expect(await table(station, "csv")).not.toContain("measured");
  }
  expect(await textOf(page, "tiny-learner [role=status]")).toBe(en.hero.learner.noGpu);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("stations that nobody has come near are there to be printed, unmeasured", {
  timeout: LIMIT,
}, async () => {
  const { page } = await site.open("/?lang=en", { reducedMotion: "reduce" });
  await expect.poll(() => page.locator(".slot.loaded").count(), { timeout: LIMIT }).toBe(STATIONS.length);
  const last = page.locator(`#station-${STATIONS.length} > *`).first();
  expect(await last.locator("h2").innerText()).toContain(en.chapter.titles.at(-1));
  expect(await last.locator(".progress [role=status]").innerText()).not.toBe(en.chapter.status.done);
  await page.context().close();
});
