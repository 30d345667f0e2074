/**
 * With SCREENSHOTS=FOLDER the tests write pictures at three widths, and what the page shows readers without a GPU:
 * FOLDER/recorded/, to be copied to demo/recorded/.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "playwright";
import { tableOf } from "./station-driver.js";

const FOLDER = process.env.SCREENSHOTS;
/** Whether there is anything to write. */
export const keeps = FOLDER !== undefined;
const WIDTHS = [360, 1280, 1920];

/** Pictures of parts of the page, by the beginning of their name. */
export async function pictures(
  page: Page,
  parts: Readonly<Record<string, Locator>>,
  ending: string,
): Promise<void> {
  if (!FOLDER) return;
  await mkdir(FOLDER, { recursive: true });
  const before = page.viewportSize();
  await paintAll(page, true);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 1000 });
    for (const [name, part] of Object.entries(parts)) {
      await part.evaluate((element) => element.scrollIntoView());
      await page.waitForTimeout(200);
      // Of the page: a picture of an element waits until nothing moves, and another station may be measuring.
      const clip = await part.evaluate((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + scrollX, y: y + scrollY, width, height };
      });
      await page.screenshot({ path: join(FOLDER, `${name}-${ending}-${width}.png`), clip, fullPage: true });
    }
  }
  await paintAll(page, false);
  if (before) await page.setViewportSize(before);
}

/** Whether stations far from the screen are painted, too: the page does not, and guesses their heights. */
async function paintAll(page: Page, all: boolean): Promise<void> {
  await page.locator("chapter-stations .slot").evaluateAll(
    (slots, visibility) => {
      for (const slot of slots) (slot as HTMLElement).style.setProperty("content-visibility", visibility);
    },
    all ? "visible" : "",
  );
}

/** Of a station, by its number. */
export const stationPictures = (page: Page, station: Locator, number: number, ending: string) =>
  pictures(page, { [`station-${String(number).padStart(2, "0")}`]: station }, ending);

/** Keeps what has been measured, in the form of demo/recorded. */
export async function record(name: string, what: object): Promise<void> {
  if (!FOLDER) return;
  const folder = join(FOLDER, "recorded");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(what, null, 2)}\n`);
}

/** Keeps a station's table: what it measured or computed, without what it read from other recordings. */
export async function recordTable(station: Locator, number: number): Promise<void> {
  if (!FOLDER) return;
  const { adapter, date, rows, data } = JSON.parse(await tableOf(station, "json"));
  const isOwn = (row: object) =>
    Object.values(row).some((cell) => cell?.source === "measured" || cell?.source === "computed");
  await record(String(number).padStart(2, "0"), {
    ...{ station: number, adapter, date: date.slice(0, 10) },
    data: (data as object[]).filter((_, i) => isOwn(rows[i])),
  });
}
