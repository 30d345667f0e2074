/** The page as it is deployed: built, under its own policy, on a static host, in a folder of it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import { STATIONS } from "../../demo/stations/registry.js";
import { serveFolder } from "../support/static-server.js";
import { pixelsDrawn, readSvg } from "./figure-files.js";
import { drive, type Site, textOf } from "./site.js";

const LIMIT = 300_000;

let folder: string;
let site: Site;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "site-"));
  await build({ logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
  site = await drive(await serveFolder(folder, { under: "/courses/reformer/" }));
}, LIMIT);
afterAll(async () => {
  await site?.close();
  await rm(folder, { recursive: true });
});

/** Keeps what the page's policy refused. */
function watchPolicy(): void {
  const refused: string[] = [];
  Object.assign(window, { refused });
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
    refused.push(`${effectiveDirective} ${blockedURI}`),
  );
}
const refusedOn = (page: Page) =>
  page.evaluate(() => (window as unknown as { refused: readonly string[] }).refused);

test("the policy that is built in refuses what does not belong, and this test hears of it", async () => {
  const { page } = await site.open("", { before: watchPolicy, reducedMotion: "reduce" });
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.stranger = true;";
    document.body.append(script);
  });
  await expect.poll(() => refusedOn(page)).toEqual(["script-src-elem inline"]);
  expect(await page.evaluate(() => "stranger" in window)).toBe(false);
  await page.context().close();
});

test.each(Object.entries({ en, zh }))(
  "in %s it learns, measures and writes, and its policy refuses nothing",
  { timeout: LIMIT },
  async (language, phrases) => {
    const { page, complaints, requests } = await site.open(`?lang=${language}`, {
      before: watchPolicy,
      viewport: { width: 1280, height: 900 },
    });
    // The model at the top takes its first steps.
    const step = /[1-9]\d*/;
    await expect.poll(() => textOf(page, "tiny-learner [role=status]"), { timeout: LIMIT }).toMatch(step);

    // A station measures, which takes the GPU from it.
    const show = async (number: number) => {
      const slot = page.locator(`#station-${number}`);
      await slot.evaluate((element) => element.scrollIntoView());
      return slot.locator(":scope > *").first();
    };
    const lsh = await show(2);
    const status = lsh.locator(".progress [role=status]");
    await expect.poll(() => status.innerText(), { timeout: LIMIT }).toBe(phrases.chapter.status.done);
    const marks = await lsh.locator("tbody td .mark").allInnerTexts();
    expect(marks.join()).toContain(phrases.chapter.sources.measured);

    // Its figure is saved: the policy lets it be drawn.
    const saved = async (kind: string) => {
      const download = page.waitForEvent("download");
      await lsh.getByRole("button", { name: kind, exact: true }).click();
      return readFile(await (await download).path());
    };
    const { error, hidden, drawn } = await readSvg(page, (await saved("SVG")).toString());
    expect({ error, hidden }).toEqual({ error: null, hidden: 0 });
    expect(drawn).toBeGreaterThan(3); // more than its paper
    expect(await pixelsDrawn(page, await saved("PNG"))).toBeGreaterThan(1000);

    // The model that comes with the page writes.
    const writing = (await show(13)).locator(".written");
    const prompt = (await writing.locator("b").innerText()).length;
    await expect
      .poll(async () => (await writing.innerText()).length, { timeout: LIMIT })
      .toBeGreaterThan(prompt + 4);
    expect(requests).toContain("/courses/reformer/models/writer/model.safetensors");

    // Every station has come, with words and a table.
    await expect.poll(() => page.locator(".slot.loaded").count(), { timeout: LIMIT }).toBe(STATIONS.length);
    for (const i of STATIONS.keys())
      expect(await page.locator(`#station-${i + 1} h2`).textContent()).toContain(phrases.chapter.titles[i]);

    expect(await refusedOn(page)).toEqual([]);
    expect(complaints).toEqual([]);
    const elsewhere = requests.filter((path) => !path.startsWith("/courses/reformer/"));
    expect(elsewhere, "asked for outside its folder").toEqual([]);
    await page.context().close();
  },
);
