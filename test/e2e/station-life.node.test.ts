/** What stations say and keep while they live, with a laboratory that only pretends: every state is reached in seconds. */
import type { Locator, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import recordedMail from "../../demo/recorded/12.json";
import * as tasks from "../../demo/stations/08-tasks.text.js";
import * as mail from "../../demo/stations/12-mail.text.js";
import learnedMail from "../../docs/learning/mail.json";
import { type OpenPage, type Site, startSite } from "./site.js";
import { measured, press, show, tableOf } from "./station-driver.js";

const FAKE = "/test/e2e/fake/fake.html?lang=en";
const WITH_LAB = `${FAKE}&lab`;
const WITHOUT_GPU = () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined });

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const open = (path: string, before?: () => void): Promise<OpenPage> =>
  site.open(path, { reducedMotion: "reduce", ...(before && { before }) });
type Cell = {
  readonly value: number | string | null;
  readonly source: string | null;
  readonly adapter?: string;
  readonly date?: string;
};
/** What the laboratory has been asked. */
const askedOf = (page: Page) =>
  page.evaluate(
    () =>
      (window as unknown as { asked: readonly { name: string; params: Record<string, unknown> }[] }).asked,
  );
type Rows = readonly Readonly<Record<string, Cell | number | string | null>>[];
const rowsOf = async (station: Locator): Promise<Rows> =>
  (JSON.parse(await tableOf(station, "json")) as { rows: Rows }).rows;
const drag = (input: Locator, value: number) =>
  input.evaluate((element, to) => {
    (element as HTMLInputElement).value = String(to);
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);

test("a cell without a value has no origin, in an exported table", async () => {
  const { page } = await open(WITH_LAB);
  const station = await show(page, 5);
  await measured(station, "en");
  for (const { layers, allocatedStored } of await rowsOf(station))
    expect(allocatedStored, `${layers} layers`).toEqual(
      Number(layers) <= 4 ? { value: 2 ** 20, source: "measured" } : { value: null, source: null },
    );
  await page.context().close();
});

test("a station that is moved measures again where it is put", async () => {
  const { page, complaints } = await open(WITH_LAB);
  const station = await show(page, 2);
  await measured(station, "en");
  const status = await station.evaluate(async (element) => {
    const { parentElement } = element;
    element.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    parentElement?.append(element);
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return element.shadowRoot?.querySelector(".progress [role=status]")?.className;
  });
  expect(status).not.toContain("done");
  await measured(station, "en");
  expect((await askedOf(page)).filter(({ name }) => name === "attention")).toHaveLength(2);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("without a GPU other layers than the recorded ones have no recorded dispatches", async () => {
  const { page } = await open(FAKE);
  const station = await show(page, 3);
  const forward = async () => (await rowsOf(station)).map((row) => (row.forward as Cell).value);
  await expect.poll(forward, { timeout: 20_000 }).toContainEqual(expect.any(Number));
  const recorded = await forward();
  await press(station, "full");
  await expect.poll(forward).toEqual(recorded.map(() => null));
  expect(await tableOf(station, "csv")).not.toContain("recorded");
  await press(station, "local");
  await expect.poll(forward).toEqual(recorded);
  await page.context().close();
});

test("a verdict says with how many rounds its evidence was measured", async () => {
  const { page } = await open(WITH_LAB);
  const length = await show(page, 4);
  await measured(length, "en");
  await press(length, "Rounds 1");
  await measured(length, "en");
  const verdict = await show(page, 9);
  await measured(verdict, "en");
  const evidence = await verdict.locator("tbody tr").nth(1).locator("td").first().innerText();
  expect(evidence).toMatch(/with 1 round$/);
  expect(await verdict.locator("tbody tr").first().locator("td").first().innerText()).toMatch(
    /with 2 rounds$/,
  );
  await page.context().close();
});

test("a time of a training step says how many layers its models have", async () => {
  const { page } = await open(WITH_LAB);
  const station = await show(page, 1);
  await measured(station, "en");
  expect(await station.locator("tbody td").nth(5).innerText()).toContain("10 ms with 2 layers");
  await drag(station.locator("input[type=range]").nth(1), 1);
  expect(await station.locator("tbody td").nth(5).innerText()).toContain("10 ms with 2 layers");
  await page.context().close();
});

test("learning rates follow from their schedule, and are marked as computed", async () => {
  const { page } = await open(WITH_LAB);
  const station = await show(page, 7);
  await measured(station, "en");
  const legend = station.locator(".show .legend");
  expect(await legend.innerText()).toContain(en.chapter.measuredOn(""));
  await press(station, "Learning rates");
  await expect.poll(() => legend.innerText()).toContain(en.chapter.computedNote);
  await page.context().close();
});

test("recordings that stand side by side are told apart: by their marks, and in files by adapter and date", async () => {
  const { page } = await open(FAKE, WITHOUT_GPU);
  const station = await show(page, 12);
  const legend = station.locator(".foot .legend");
  for (const { adapter, date } of [recordedMail, learnedMail])
    await expect.poll(() => legend.innerText()).toContain(en.chapter.recordedNote(adapter, date));
  const marks = async (row: Locator) =>
    new Set((await row.locator(".mark").allInnerTexts()).map((text) => text.slice(0, 2)));
  const own = station.locator("tbody tr", { hasText: mail.en.own });
  const real = station.locator("tbody tr", { hasText: "real mail" }).first();
  expect(new Set([...(await marks(own)), ...(await marks(real))])).toEqual(new Set(["◇¹", "◇²"]));
  for (const row of await rowsOf(station)) {
    const { adapter, date } = String(row.classifier).includes("real mail") ? learnedMail : recordedMail;
    expect(row.accuracy).toEqual({ value: expect.any(Number), source: "recorded", adapter, date });
  }
  expect(await tableOf(station, "csv")).toContain(`${recordedMail.adapter}, ${recordedMail.date}`);
  expect(await station.locator(".words, details dl").allInnerTexts()).not.toContainEqual(
    expect.stringMatching(/measured here/i),
  );
  await page.context().close();
});

test("a station of a language of its own asks in that language", async () => {
  const { page } = await open(WITH_LAB);
  const station = await show(page, 12);
  await station.evaluate((element) => element.setAttribute("lang", "zh"));
  await press(station, mail.zh.sort);
  const asked = async () => (await askedOf(page)).findLast(({ name }) => name === "classifier")?.params.text;
  await expect.poll(asked).toBe(mail.zh.example);
  await page.context().close();
});

test("while a GPU is sought no station says that there is none", async () => {
  const { page } = await open(FAKE, () => {
    GPU.prototype.requestAdapter = () => new Promise(() => {});
  });
  const station = await show(page, 8);
  expect(await station.locator(".progress [role=status]").innerText()).toBe(en.chapter.status.looking);
  await page.waitForTimeout(500); // until it knows which models come with the page
  expect(await station.locator(".words").innerText()).not.toContain(tasks.en.elsewhere);
  await page.context().close();
});

test("what the program says in English is marked as English on the Chinese page", async () => {
  const { page } = await open(WITH_LAB.replace("en", "zh"));
  const status = (await show(page, 8)).locator(".progress [role=status]");
  await expect.poll(() => status.getAttribute("class")).toContain("failed");
  const own = await status.evaluate((element) =>
    [...element.childNodes].flatMap((node) => (node instanceof Text ? [node.data] : [])).join(""),
  );
  expect(own).toMatch(/\p{Script=Han}/u);
  expect(await status.locator("[lang=en]").innerText()).toContain("the fake laboratory");
  await page.context().close();
});
