/** The course without WebGPU: what is computed, what was recorded, and which is which. */
import { afterAll, beforeAll, expect, test } from "vitest";
import * as length from "../../demo/stations/04-length.text.js";
import { STATIONS } from "../../demo/stations/registry.js";
import { checkLooks, misplaced } from "./looks.js";
import { pictures, stationPictures } from "./pictures.js";
import { contentOf, type Site, startSite, textOf } from "./site.js";
import { LIMIT, PAGES, press, show, tableOf } from "./station-driver.js";

/** Its rows are judgements of what the other stations have measured on this device; without a GPU some say "not yet". */
const JUDGES = 9;
const COMPUTE = [1, 2, 3, 4, 5, 11];
/** CSS pixels of a telephone, a window and a projector. */
const WIDTHS = [360, 1280, 1920];
/** Milliseconds for what is fetched and computed. */
const SOON = 60_000;

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

test.each(["en", "zh"] as const)(
  "in %s every station has a table that says whence it is, and nothing claims to be measured",
  { timeout: LIMIT },
  async (language) => {
    const { page, complaints } = await site.open(`/?lang=${language}`, {
      reducedMotion: "reduce",
      before: () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
    });
    await page.locator("no-webgpu button").waitFor();
    const { chapter, hero } = PAGES[language];
    for (const i of STATIONS.keys()) {
      const number = i + 1;
      const what = `station ${number}`;
      const station = await show(page, number);
      expect(await station.locator(".progress [role=status]").innerText(), what).toBe(chapter.status.noGpu);
      const expected = [
        ...(COMPUTE.includes(number) ? ["computed"] : []),
        ...(number === JUDGES ? [] : ["recorded"]),
      ];
      for (const source of expected)
        await expect.poll(() => tableOf(station, "csv"), { timeout: SOON, message: what }).toContain(source);
      expect(await tableOf(station, "csv"), what).not.toContain("measured");

      const rows = await station.locator("tbody tr:not(:has(.none))").evaluateAll((all) =>
        all.map((row) => ({
          text: row.textContent,
          marks: [...row.querySelectorAll(".mark")].map((mark) => mark.textContent).join(),
        })),
      );
      expect.soft(rows.length, what).toBeGreaterThan(0);
      for (const { text, marks } of rows) {
        if (number !== JUDGES) expect.soft(marks, `${what}: ${text}`).not.toBe("");
        expect.soft(marks, what).not.toContain(chapter.sources.measured);
      }
      if (number === 12) {
        // A whole mail of which nothing is known is drawn by the line, not by the letter.
        const lines = await station.locator("svg.cells text").allTextContents();
        expect(lines.join("").length, what).toBeGreaterThan(500);
        expect(lines.length, what).toBeLessThan(100);
      }
      if (language === "en") await stationPictures(page, station, number, "none");
    }
    expect(await textOf(page, "tiny-learner [role=status]")).toBe(hero.learner.noGpu);
    const [recordedOn = ""] = chapter.recordedNote("|", "").split("|");
    await expect.poll(() => contentOf(page, "tiny-learner")).toContain(recordedOn);
    if (language === "en") {
      // The limit of a block is WebGPU's default, not this device's.
      const station = await show(page, 4);
      await press(station, length.en.memory);
      await expect.poll(() => station.locator("figure svg").textContent()).toContain("WebGPU's default");
    }
    await checkLooks(page, language);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await expect.poll(() => misplaced(page), { message: `${width} px` }).toEqual({ cut: [], covered: [] });
    }
    const parts = { "no-webgpu": page.locator("#studio"), "no-webgpu-hero": page.locator(".first") };
    await pictures(page, parts, language);
    expect(complaints).toEqual([]);
    await page.context().close();
  },
);
