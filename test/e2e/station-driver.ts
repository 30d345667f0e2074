/** Drives the stations as a reader does, in either language: buttons are found by the page's own words. */
import { readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright";
import { expect } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import * as architecture from "../../demo/stations/03-architecture.text.js";
import * as length from "../../demo/stations/04-length.text.js";
import * as training from "../../demo/stations/06-training.text.js";
import * as optimisation from "../../demo/stations/07-optimisation.text.js";
import * as tasks from "../../demo/stations/08-tasks.text.js";
import * as future from "../../demo/stations/11-future.text.js";
import * as mail from "../../demo/stations/12-mail.text.js";
import * as writing from "../../demo/stations/13-writing.text.js";

export const PAGES = { en, zh } as const;
export type Language = keyof typeof PAGES;

/** Milliseconds that a measurement on a busy machine without a GPU may take. */
export const LIMIT = 900_000;

export type StationElement = HTMLElement & {
  readonly updateComplete: Promise<boolean>;
  tableAs(kind: "csv" | "json"): string;
};

export interface Interaction {
  readonly act: (station: Locator) => Promise<unknown>;
  /** Whether another measurement follows. */
  readonly measures: boolean;
  /** Whether the numbers of the table may be the same after it: figure or caption follows instead. */
  readonly elsewhere?: boolean;
}

export const drag = (input: Locator, value: number) =>
  input.evaluate((element, to) => {
    (element as HTMLInputElement).value = String(to);
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);

export const press = (station: Locator, name: string) =>
  station.getByRole("button", { name, exact: true }).first().click();

/**
 * By station, from the first. Each language sets something else, so that a reader's Chinese page follows one that was driven
 * in English.
 */
export function interactions(language: Language): readonly Interaction[] {
  const { again } = PAGES[language].chapter;
  const say = <T>(both: Readonly<Record<Language, T>>) => both[language];
  const pick = <T>(en: T, zh: T): T => say({ en, zh });
  const slider = (station: Locator, i = 0) => station.locator("input[type=range]").nth(i);
  const pressing = (name: string): Interaction => ({ act: (s) => press(s, name), measures: true });
  const dragging = (value: number, name: string, i = 0): Interaction => ({
    act: async (s) => {
      await drag(slider(s, i), value);
      await press(s, name);
    },
    measures: true,
  });
  const filling = (id: string, text: string, button: string): Interaction => ({
    act: async (s) => {
      await s.locator(id).fill(text);
      await press(s, button);
    },
    measures: true,
  });
  const words = pick("sea seas seal sealing ship ships shipping shipped", "海上的船，船上的人，人看大海");
  const modes = say(training).modes;
  return [
    { act: (s) => drag(slider(s, 1), pick(12, 3)), measures: false },
    { act: (s) => s.locator("#text").fill(words), measures: false },
    pressing(say(architecture).kinds[pick("full" as const, "local" as const)]),
    pressing(`${say(length).rounds} ${pick(1, 4)}`),
    { act: (s) => drag(slider(s), pick(10, 11)), measures: false },
    pressing(pick(modes.stored, modes.reversible)),
    dragging(pick(-2, -2.5), say(optimisation).diverge),
    filling("#own", pick("Call me Ishmael.", "Call me Ahab, or the captain."), say(tasks).score),
    dragging(pick(8, 10), again),
    { ...pressing(again), elsewhere: true },
    dragging(pick(4, 3), say(future).add),
    {
      ...filling("#line", pick("Free prize, click now", "免费大奖，立即点击"), say(mail).sort),
      elsewhere: true,
    },
    dragging(pick(0.2, 1.2), say(writing).write),
  ];
}

/** Brings a station to the screen. */
export async function show(page: Page, number: number): Promise<Locator> {
  const slot = page.locator(`#station-${number}`);
  await slot.evaluate((element) => element.scrollIntoView());
  const station = slot.locator(":scope > *").first();
  await station.locator(".progress").waitFor();
  await slot.evaluate((element) => element.scrollIntoView()); // those above may have come meanwhile
  return station;
}

/** Waits until a station has measured; fails with its own words where it could not. */
export async function measured(station: Locator, language: Language): Promise<void> {
  const status = station.locator(".progress [role=status]");
  // What was just pressed shows a task later.
  await station.evaluate(async (element) => void (await (element as StationElement).updateComplete));
  await expect
    .poll(async () => /done|failed/.exec((await status.getAttribute("class")) ?? "")?.[0], { timeout: LIMIT })
    .toBeTruthy();
  expect(await status.innerText()).toBe(PAGES[language].chapter.status.done);
}

/** What a button of a station saves. */
export async function savedBy(page: Page, station: Locator, button: string): Promise<Buffer> {
  const download = page.waitForEvent("download");
  await press(station, button);
  return readFile(await (await download).path());
}

export const tableOf = (station: Locator, kind: "csv" | "json"): Promise<string> =>
  station.evaluate((element, as) => (element as StationElement).tableAs(as), kind);

/** Rows of RFC 4180. @throws Error where a quote is not closed */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [[]];
  let field = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (quoted && c === '"' && text.charAt(i + 1) === '"') field += text.charAt(i++);
    else if (c === '"') quoted = !quoted;
    else if (quoted || (c !== "," && c !== "\r")) field += c;
    else {
      rows.at(-1)?.push(field);
      field = "";
      if (c === "\r" && text.charAt(++i) === "\n") rows.push([]);
    }
  }
  if (quoted) throw new Error("a quote is not closed");
  return rows.slice(0, -1);
}

/** Where the numbers of an exported table come from, each once. */
export function sourcesIn(json: string): Set<string> {
  const { rows } = JSON.parse(json) as { readonly rows: readonly Readonly<Record<string, unknown>>[] };
  const cells = rows.flatMap((row) => Object.values(row));
  return new Set(
    cells.flatMap((cell) =>
      cell && typeof cell === "object" && "source" in cell ? [String(cell.source)] : [],
    ),
  );
}
