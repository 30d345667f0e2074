/**
 * The course as a reader meets it, on the software adapter of the browser that runs the tests: every station in turn, in
 * both languages. With SCREENSHOTS=FOLDER it also writes pictures at three widths, and what the page shows readers without a
 * GPU: FOLDER/recorded/, to be copied to demo/recorded/.
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
/** A number with its origin, as tables are saved. */
type Cell = { readonly value: number | string | null; readonly source: string };
interface Exported {
  readonly station: number;
  readonly adapter: string;
  readonly date: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly data: readonly object[];
}
type LearnerElement = HTMLElement & { recording(): object };
type StationElement = HTMLElement & { tableAs(kind: "csv" | "json"): string };

let site: Site;
beforeAll(async () => {
  site = await startSite("chapter");
});
afterAll(() => site.close());

const table = async (station: Locator, kind: "csv" | "json") =>
  station.evaluate((element, as) => (element as StationElement).tableAs(as), kind);

/** Keeps what a station has measured, in the form of demo/recorded. */
async function record(name: string, what: object): Promise<void> {
  if (!FOLDER) return;
  const folder = join(FOLDER, "recorded");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(what, null, 2)}\n`);
}
async function recordTable(station: Locator, number: number): Promise<void> {
  const { adapter, date, data } = JSON.parse(await table(station, "json")) as Exported;
  await record(String(number).padStart(2, "0"), { station: number, adapter, date: date.slice(0, 10), data });
}

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

async function rowsOf(page: Page, number: number): Promise<Exported["rows"]> {
  const station = page.locator(`#station-${number} > *`).first();
  return (JSON.parse(await table(station, "json")) as Exported).rows;
}

/** Bits per character in the first row, at the moment that the first letters have been written. */
const bitsWhenItWrites = (station: Locator): Promise<number | null> =>
  station.evaluate(
    (element) =>
      new Promise<number | null>((resolve) => {
        const look = () => {
          const written = element.shadowRoot?.querySelector(".written");
          const begun =
            (written?.textContent ?? "").length > (written?.querySelector("b")?.textContent ?? "").length;
          if (!begun) return requestAnimationFrame(look);
          const { data } = JSON.parse((element as StationElement).tableAs("json")) as Exported;
          return resolve((data[0] as { bits: number | null } | undefined)?.bits ?? null);
        };
        look();
      }),
  );

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
    if (number === 13)
      expect(await bitsWhenItWrites(station), "it writes first, then it is tested").toBeNull();
    await measured(station);
    expect(await textOf(page, `#station-${number} h2`)).toContain(en.chapter.titles[i]);

    // The table says of every number where it comes from, and was filled on this device.
    await recordTable(station, number);
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
    if (number === 12) await recordTable(station, number); // the model that learns from examples, too
    await pictures(page, station, number, "en");
  }

  // What a station allocates is what was planned.
  const reversible = await rowsOf(page, 5);
  const timed = reversible.filter(
    ({ allocatedReversible }) => (allocatedReversible as Cell).value !== undefined,
  );
  expect(timed.length).toBeGreaterThan(0);
  for (const row of reversible)
    for (const kind of ["Reversible", "Stored"]) {
      const [planned, allocated] = ["planned", "allocated"].map(
        (what) => (row[what + kind] as Cell | null)?.value,
      );
      if (allocated) expect(allocated, `layers: ${row.layers}`).toBe(planned);
    }

  // Regularised runs are tested on what they have not read.
  const runs = await rowsOf(page, 7);
  for (const name of ["dropout", "decay"]) {
    const regularised = runs.find(({ run }) => String(run).includes(name));
    expect(regularised?.["held out"], name).toMatchObject({ value: expect.any(Number), source: "measured" });
  }

  // Numbers are saved as numbers.
  for (const number of [8, 9])
    for (const { value } of await rowsOf(page, number))
      if (value) expect((value as Cell).value, `station ${number}`).toBeTypeOf("number");

  // Why this piece: evidence tints the text.
  const hashing = await show(page, 10);
  await press(hashing, "Why this piece");
  await measured(hashing);
  expect(await hashing.locator("figcaption").innerText()).toMatch(/with probability/);
  expect(await hashing.locator("rect.for8, rect.against8").count()).toBeGreaterThan(0);

  // The model that comes with the page has found keys.
  const tasks = await show(page, 8);
  expect(await tasks.locator(".found .right").count()).toBeGreaterThan(0);
  // All of the text is shown: the token that was given, then those with their bits.
  const shown = (await tasks.locator("svg.cells text").allTextContents()).join("");
  expect(shown.replaceAll("\u00a0", " ")).toBe(await tasks.locator("#own").inputValue());

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
  const evidence = (n: number) => quiz.locator("fieldset").nth(n).locator(".evidence").first().innerText();
  const [like = 0, unlike = 100] = (await evidence(0)).match(/\d+(?= ?%)/g)?.map(Number) ?? [];
  expect(like, "similar words meet more often").toBeGreaterThan(unlike);
  expect(await evidence(0)).toContain(en.chapter.computedNote);
  expect(await evidence(3)).toContain(en.chapter.measuredOn(""));
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
  if (FOLDER) {
    await expect.poll(() => heroStatus(page), { timeout: LIMIT }).toMatch(/^Learned in/);
    const learner = page.locator("tiny-learner");
    await record("hero", await learner.evaluate((it) => (it as LearnerElement).recording()));
    await page.screenshot({ path: join(FOLDER, "hero.png") });
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("the model at the top does not start by itself where less motion is wanted, nor on a hidden page", {
  timeout: LIMIT,
}, async () => {
  const still = await site.open("/?lang=en", { reducedMotion: "reduce" });
  await heroButton(still.page, en.hero.learner.start).waitFor();
  expect(await heroStatus(still.page)).toBe(en.hero.learner.lessMotion);
  // Another station measures in the meantime: the GPU was free, and nobody took it.
  await measured(await show(still.page, 4));
  expect(await heroStatus(still.page)).toBe(en.hero.learner.lessMotion);
  await heroButton(still.page, en.hero.learner.start).click();
  await expect.poll(() => heroStep(still.page), { timeout: LIMIT }).toBeGreaterThan(0);
  await still.page.context().close();

  const covered = await site.open("/?lang=en", {
    before: () => Object.defineProperty(document, "hidden", { configurable: true, get: () => true }),
  });
  await expect.poll(() => heroStatus(covered.page)).toBe(en.hero.learner.hidden);
  await cover(covered.page, false);
  await expect.poll(() => heroStep(covered.page), { timeout: LIMIT }).toBeGreaterThan(0);
  await covered.page.context().close();
});

test("without WebGPU the page shows what is computed and what was recorded, and says which is which", {
  timeout: LIMIT,
}, async () => {
  const { page, complaints } = await site.open("/?lang=en", {
    before: () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
  });
  await page.locator("no-webgpu button").waitFor();
  const includes = async (station: Locator, source: string) =>
    expect.poll(async () => (await table(station, "csv")).includes(source), { timeout: LIMIT }).toBe(true);
  for (const number of STATIONS.keys()) {
    const station = await show(page, number + 1);
    expect(await station.locator(".progress [role=status]").innerText()).toBe(en.chapter.status.noGpu);
    if ([1, 2, 3, 4, 5, 11].includes(number + 1)) await includes(station, "computed");
    if (number + 1 !== 9) await includes(station, "recorded"); // that one is about this device alone
    expect(await table(station, "csv"), `station ${number + 1}`).not.toContain("measured");
    await pictures(page, station, number + 1, "none");
  }
  // The limit of a block is WebGPU's default, not this device's.
  const length = await show(page, 4);
  await press(length, "Memory of scores");
  expect(await length.locator("figure svg").textContent()).toContain("WebGPU's default");

  expect(await heroStatus(page)).toBe(en.hero.learner.noGpu);
  await expect
    .poll(() => contentOf(page, "tiny-learner"))
    .toContain(en.chapter.recordedNote("", "").slice(0, 11));
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
  await measured(station);
  const ends = await station.locator("figcaption").innerText();
  expect(ends).toContain(
    "full attention: its memory, as planned, does not fit this adapter from 2,048 tokens on",
  );
  for (const { length, full, lsh } of await rowsOf(page, 4)) {
    const fits = Number(length) <= 1024;
    for (const cell of [full, lsh] as Cell[])
      expect(typeof cell.value, `${length} tokens`).toBe(fits ? "number" : "string");
  }
  await page.context().close();
});

test("what the program says in English is marked as English on the Chinese page", {
  timeout: LIMIT,
}, async () => {
  const { page } = await site.open("/?lang=zh", {
    reducedMotion: "reduce",
  });
  await page.route("**/models/writer/config.json", (route) => route.abort());
  const status = (await show(page, 8)).locator(".progress [role=status]");
  await expect.poll(() => status.getAttribute("class"), { timeout: LIMIT }).toContain("failed");
  const own = await status.evaluate((element) =>
    [...element.childNodes].flatMap((node) => (node instanceof Text ? [node.data] : [])).join(""),
  );
  expect(own).toMatch(/\p{Script=Han}/u);
  expect(await status.locator("[lang=en]").innerText()).toContain("config.json");
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
