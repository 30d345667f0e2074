/**
 * The course as a reader meets it, on the software adapter of the browser that runs the tests: one page, every station in
 * turn, first in English, then in Chinese with other settings. What a station measures by itself it measures once.
 */
import type { Locator, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import * as tasksText from "../../demo/stations/08-tasks.text.js";
import { readSvg } from "./figure-files.js";
import { checkLooks } from "./looks.js";
import { pictures, recordTable, stationPictures } from "./pictures.js";
import { contentOf, type Site, startSite, textOf } from "./site.js";
import {
  csvRows,
  type Interaction,
  interactions,
  type Language,
  LIMIT,
  measured,
  press,
  type StationElement,
  savedBy,
  show,
  sourcesIn,
  tableOf,
} from "./station-driver.js";

/** A number with its origin, as tables are saved. */
type Cell = { readonly value: number | string | null; readonly source: string };
interface Exported {
  readonly station: number;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly data: readonly object[];
}

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const exported = async (station: Locator) => JSON.parse(await tableOf(station, "json")) as Exported;
const rowsOf = async (page: Page, number: number) =>
  (await exported(page.locator(`#station-${number} > *`).first())).rows;

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

/** Does what a reader does at a station: the table follows, at once or once it has measured again. */
async function interact(
  station: Locator,
  language: Language,
  { act, measures, elsewhere }: Interaction,
): Promise<void> {
  const number = await station.evaluate((element) => (element as unknown as { number: number }).number);
  const before = await tableOf(station, "csv");
  await act(station);
  if (measures) await measured(station, language);
  if (!elsewhere)
    await expect
      .poll(() => tableOf(station, "csv"), { timeout: LIMIT, message: `station ${number}` })
      .not.toBe(before);
}

/** Table and figure as files, each read as what it says it is. */
async function checkExports(page: Page, station: Locator, number: number): Promise<void> {
  const what = `station ${number}`;
  const json = JSON.parse((await savedBy(page, station, "JSON")).toString()) as Exported;
  expect(json.station, what).toBe(number);
  const table = (await savedBy(page, station, "CSV")).toString();
  expect(table.startsWith("\ufeff"), `${what}: spreadsheets know that it is UTF-8`).toBe(
    !/^\p{ASCII}*$/u.test(table),
  );
  const [head, ...rows] = csvRows(table);
  expect(rows, what).toHaveLength(json.rows.length);
  for (const row of rows) expect(row, what).toHaveLength(head?.length ?? 0);

  const source = (await savedBy(page, station, "SVG")).toString();
  expect(source, what).toMatch(/^<svg[\s\S]*<rect[\s\S]*fill="(rgb|oklch)/);
  expect(source, what).not.toContain("class=");
  const { error, size, drawn } = await readSvg(page, source);
  expect(error, what).toBeNull();
  expect(drawn, what).toBeGreaterThan(3); // more than its paper

  const png = await savedBy(page, station, "PNG");
  expect(png.subarray(0, 8).toString("latin1"), what).toBe("\x89PNG\r\n\x1a\n");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  expect(Math.min(width, height, ...size), what).toBeGreaterThan(0);
}

async function tourInEnglish(page: Page): Promise<void> {
  for (const [i, interaction] of interactions("en").entries()) {
    const number = i + 1;
    const station = await show(page, number);
    // Where pictures are taken, that of the station before has shown this one already.
    if (number === 13 && !process.env.SCREENSHOTS)
      expect(await bitsWhenItWrites(station), "it writes first, then it is tested").toBeNull();
    await measured(station, "en");
    expect(await textOf(page, `#station-${number} h2`)).toContain(en.chapter.titles[i]);

    // The table says of every number where it comes from, and was filled on this device.
    await recordTable(station, number);
    const json = await tableOf(station, "json");
    const { station: said, rows } = JSON.parse(json) as Exported;
    expect(said).toBe(number);
    expect(sourcesIn(json), `station ${number}`).toContain("measured");
    const lines = (await tableOf(station, "csv")).trimEnd().split("\r\n");
    expect(lines).toHaveLength(rows.length + 1);

    await interact(station, "en", interaction);
    if (number === 12) await recordTable(station, number); // the model that learns from examples, too
    await stationPictures(page, station, number, "en");
  }
}

/** The question's choices, the likeliest first, and their chances, which are 100 % together. */
async function expectAnswer(station: Locator, question: string): Promise<void> {
  const answer = await station.locator(".answered").innerText();
  const [, inside = ""] = /\[(.*)\]/.exec(question) ?? [];
  const told = Array.from(answer.matchAll(/(\w+) (\d+)%/g), ([, choice, chance]) => ({
    choice,
    chance: Number(chance),
  }));
  expect(told.map(({ choice }) => choice).sort()).toEqual(inside.split("/").sort());
  expect(told.reduce((sum, { chance }) => sum + chance, 0)).toBeGreaterThan(95);
  for (const [i, { chance }] of told.entries())
    expect(chance).toBeLessThanOrEqual(told[i - 1]?.chance ?? 100);
}

/** What stations found in the English tour. */
async function checkFindings(page: Page): Promise<void> {
  // What a station allocates is what was planned.
  let compared = 0;
  for (const row of await rowsOf(page, 5))
    for (const kind of ["Reversible", "Stored"]) {
      const [planned, allocated] = ["planned", "allocated"].map((what) => (row[what + kind] as Cell).value);
      if (allocated === null) continue;
      expect(allocated, `layers: ${row.layers}`).toBe(planned);
      compared++;
    }
  expect(compared).toBeGreaterThan(0);

  // Regularised runs are tested on what they have not read.
  const runs = await rowsOf(page, 7);
  for (const name of ["dropout", "decay"]) {
    const regularised = runs.find(({ run }) => String(run).includes(name));
    expect(regularised?.["held out"], name).toMatchObject({ value: expect.any(Number), source: "measured" });
  }

  // Numbers are saved as numbers.
  for (const number of [8, 9])
    for (const { value } of await rowsOf(page, number)) {
      const number_ = (value as Cell | null)?.value;
      if (number_ !== null && number_ !== undefined)
        expect(number_, `station ${number}`).toBeTypeOf("number");
    }

  // Why this piece: evidence tints the text.
  const hashing = await show(page, 10);
  await press(hashing, "Why this piece");
  await measured(hashing, "en");
  expect(await hashing.locator("figcaption").innerText()).toMatch(/with probability/);
  expect(await hashing.locator("rect.for8, rect.against8").count()).toBeGreaterThan(0);

  // The model that comes with the page has filled gaps, the reader's too, and the other one has found keys.
  const tasks = await show(page, 8);
  expect(await tasks.locator(".gaps li").count()).toBe(3);
  await expectAnswer(tasks, tasksText.en.askedFor);
  await tasks.locator("#question").fill("The boat was [lowered/lower] into the sea.");
  await press(tasks, tasksText.en.answer);
  await measured(tasks, "en");
  await expectAnswer(tasks, "[lowered/lower]");
  expect(await tasks.locator(".keys .right").count()).toBeGreaterThan(0);
  // What was written goes on from the text that it was asked for, though another one has been scored since.
  expect(await tasks.locator(".written b").textContent()).toBe(tasksText.en.example);
  // All of the text is shown: the token that was given, then those with their bits.
  const shown = (await tasks.locator("svg.cells text").allTextContents()).join("");
  expect(shown.replaceAll("\u00a0", " ")).toBe(await tasks.locator("#own").inputValue());

  const first = await show(page, 1);
  expect((JSON.parse((await savedBy(page, first, "JSON")).toString()) as Exported).data).toHaveLength(4);
  expect((await savedBy(page, first, "CSV")).toString()).toContain("memory,memory is,");
}

/** The quiz answers from what was measured. */
async function checkQuiz(page: Page): Promise<void> {
  const quiz = page.locator("closing-quiz");
  for (const fieldset of await quiz.locator("fieldset").all())
    await fieldset.locator("input").first().check();
  expect(await contentOf(page, "closing-quiz")).not.toContain("has not been measured yet");
  const evidence = (n: number) => quiz.locator("fieldset").nth(n).locator(".evidence").first().innerText();
  const [like = 0, unlike = 100] = (await evidence(0)).match(/\d+(?= ?%)/g)?.map(Number) ?? [];
  expect(like, "similar words meet more often").toBeGreaterThan(unlike);
  expect(await evidence(0)).toContain(en.chapter.computedNote);
  expect(await evidence(3)).toContain(en.chapter.measuredOn(""));
}

/** On the page that was toured in English: nothing English is left, and other settings work as well. */
async function tourInChinese(page: Page): Promise<void> {
  for (const [i, interaction] of interactions("zh").entries()) {
    const number = i + 1;
    const what = `station ${number}`;
    const station = await show(page, number);
    await expect.poll(() => textOf(page, `#station-${number} h2`)).toContain(zh.chapter.titles[i]);
    for (const paragraph of await station.locator(".words p").allInnerTexts())
      expect(paragraph, what).toMatch(/\p{Script=Han}/u);
    for (const head of await station.locator("thead th").allInnerTexts())
      expect(head, what).toMatch(/\p{Script=Han}|GFLOP/u);
    await measured(station, "zh");
    expect(sourcesIn(await tableOf(station, "json")), what).toContain("measured");
    await interact(station, "zh", interaction);
    await checkExports(page, station, number);
    await stationPictures(page, station, number, "zh");
  }
}

test("every station measures, answers its reader and exports, in both languages, and looks right", {
  timeout: 2 * LIMIT,
}, async () => {
  const { page, complaints } = await site.open("/?lang=en", {
    reducedMotion: "reduce",
    viewport: { width: 1280, height: 900 },
  });
  const around = {
    hero: page.locator(".first"),
    quiz: page.locator("closing-quiz"),
    studio: page.locator("#studio"),
  };
  await tourInEnglish(page);
  await checkFindings(page);
  await checkQuiz(page);
  await checkLooks(page, "English");
  await pictures(page, around, "en");
  await page.locator("#language").selectOption("zh");
  await tourInChinese(page);
  await checkLooks(page, "Chinese");
  await pictures(page, around, "zh");
  expect(complaints).toEqual([]);
  await page.context().close();
});
