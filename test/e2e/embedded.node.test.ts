/** A page of someone else that embeds stations by the package's entry `./elements`, as it is packed. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import { STATIONS } from "../../demo/stations/registry.js";
import { serveFolder } from "../support/static-server.js";
import { drive, type Site } from "./site.js";

const LIMIT = 300_000;

/** The README's page, from where a page without a bundler has the package. */
async function readmePage(): Promise<string> {
  const [, page] = /```html\n([\s\S]*?)```/.exec(await readFile("README.md", "utf8")) ?? [];
  if (!page) throw new Error("README.md has no ```html block.");
  return page.replace('"webgpu-reformer/elements"', '"../webgpu-reformer/elements.js"');
}

const HEAD =
  '<!doctype html><html lang="LANG"><meta charset="utf-8"><link rel="icon" href="data:,"><title>t</title>';

let folder: string;
let site: Site;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "embedding-"));
  const library = join(folder, "webgpu-reformer");
  await build({
    configFile: "vite.elements.config.ts",
    logLevel: "error",
    build: { outDir: library, emptyOutDir: true },
  });
  await mkdir(join(folder, "lesson"));
  const page = await readmePage();
  await writeFile(join(folder, "lesson/index.html"), HEAD.replace("LANG", "en") + page);
  await writeFile(
    join(folder, "lesson/two.html"),
    `${HEAD.replace("LANG", "zh-Hans")}
<style>:root { --reformer-accent: rgb(200, 0, 100); } #dark { color-scheme: dark; }</style>
<h1>课</h1>
<reformer-station-lsh id="page"></reformer-station-lsh>
<reformer-station-overview id="dark" lang="en"></reformer-station-overview>
<script type="module">
  const { useCourseFiles, loadStation, STATION_TAGS } = await import("../webgpu-reformer/elements.js");
  useCourseFiles("../files");
  window.tags = STATION_TAGS;
  // A shadow root is not watched: its station is loaded by name.
  await loadStation("reformer-station-writing");
  const host = document.createElement("div");
  host.id = "host";
  host.attachShadow({ mode: "open" }).append(document.createElement("reformer-station-writing"));
  document.body.append(host);
</script>`,
  );
  await cp(join(library, "course"), join(folder, "files"), { recursive: true });
  site = await drive(await serveFolder(folder));
}, LIMIT);
afterAll(async () => {
  await site?.close();
  await rm(folder, { recursive: true });
});

const statusOf = (station: Locator) => station.locator(".progress [role=status]").innerText();
const colorOf = (station: Locator, selector: string) =>
  station
    .locator(selector)
    .first()
    .evaluate((element) => getComputedStyle(element).color);

test("the README's lines show a station that measures, with colours of its own", {
  timeout: LIMIT,
}, async () => {
  const { page, complaints, requests } = await site.open("lesson/", {
    viewport: { width: 1000, height: 800 },
  });
  const station = page.locator("reformer-station-lsh");
  await expect.poll(() => station.locator("h2").innerText()).toContain(en.chapter.titles[1]);
  expect(await station.locator("figure svg").boundingBox()).toMatchObject({
    width: expect.any(Number),
    height: expect.any(Number),
  });
  await expect.poll(() => statusOf(station), { timeout: LIMIT }).toBe(en.chapter.status.done);
  const table = await station.evaluate((element) =>
    (element as HTMLElement & { tableAs(kind: "csv"): string }).tableAs("csv"),
  );
  expect(table).toContain(",measured");
  // Nothing of the page sets a colour.
  const [ink, accent] = [await colorOf(station, "h2"), await colorOf(station, ".ordinal")];
  expect(ink).toMatch(/^oklch/);
  expect(accent).not.toBe(ink);
  // One station, and nothing of the others.
  const others = STATIONS.map(({ tag }) => tag.replace("reformer-station-", "")).filter(
    (name) => name !== "lsh",
  );
  expect(requests.filter((path) => others.some((name) => path.includes(`-${name}-`)))).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test("stations follow the page's language or their own, its colours, and its copy of the course's files", {
  timeout: LIMIT,
}, async () => {
  const { page, complaints, requests } = await site.open("lesson/two.html", {
    viewport: { width: 1000, height: 800 },
  });
  await page.waitForFunction(() => "tags" in window);
  expect(await page.evaluate(() => (window as unknown as { tags: string[] }).tags)).toEqual(
    STATIONS.map(({ tag }) => tag),
  );
  const [first, second] = [page.locator("#page"), page.locator("#dark")];
  await expect.poll(() => first.locator("h2").innerText()).toContain(zh.chapter.titles[1]);
  await expect.poll(() => second.locator("h2").innerText()).toContain(en.chapter.titles[0]);
  expect(await second.locator(".words p").first().innerText()).not.toMatch(/\p{Script=Han}/u);
  expect(await first.locator(".words p").first().innerText()).toMatch(/\p{Script=Han}/u);
  await second.evaluate((element) => element.setAttribute("lang", "zh"));
  await expect.poll(() => second.locator("h2").innerText()).toContain(zh.chapter.titles[0]);
  await page.evaluate(() => {
    document.documentElement.lang = "en-GB";
  });
  await expect.poll(() => first.locator("h2").innerText()).toContain(en.chapter.titles[1]);
  await page.evaluate(() => {
    document.documentElement.lang = "zh";
  });
  await expect.poll(() => first.locator("h2").innerText()).toContain(zh.chapter.titles[1]);

  expect(await colorOf(first, ".ordinal")).toBe("rgb(200, 0, 100)");
  const [light, dark] = [await colorOf(first, "h2"), await colorOf(second, "h2")];
  expect(dark, "by color-scheme").not.toBe(light);

  // The model of the copied files writes.
  const writing = page.locator("#host reformer-station-writing");
  await writing.scrollIntoViewIfNeeded();
  const written = writing.locator(".written");
  const prompt = (await written.locator("b").innerText()).length;
  await expect
    .poll(async () => (await written.innerText()).length, { timeout: LIMIT })
    .toBeGreaterThan(prompt + 4);
  expect(requests).toContain("/files/models/writer/model.safetensors");
  expect(requests.filter((path) => path.startsWith("/webgpu-reformer/course/"))).toEqual([]);
  expect(complaints).toEqual([]);
  await page.context().close();
});
