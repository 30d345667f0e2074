/** What the studio does, with a model that only pretends: runs, texts, models, settings and the test of the GPU. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { zh } from "../../demo/i18n/zh.js";
import type { Session } from "../../demo/session.js";
import { FAKE, phase, press, training } from "./fake/open-fake.js";
import { pixelsDrawn, readSvg } from "./figure-files.js";
import { violations } from "./looks.js";
import { contentOf, type OpenPage, type Site, savedReport, startSite, textOf } from "./site.js";

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

describe("a run", () => {
  test("pauses, goes on and stops, by button and by the space bar", async () => {
    const { page } = await training(site);
    await press(page, en.run.pause);
    await expect.poll(() => phase(page)).toBe(en.run.phases.paused);
    const paused = await textOf(page, "run-numbers dd");
    await page.locator("body").focus();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press("Space");
    await expect.poll(() => phase(page)).toBe(en.run.phases.training);
    await expect.poll(() => textOf(page, "run-numbers dd")).not.toBe(paused);
    await press(page, en.run.stop);
    await expect.poll(() => phase(page)).toBe(en.run.phases.stopped);
    // Steps that had begun when it paused are in the curve as well.
    const steps = await page
      .locator("loss-chart")
      .evaluate((chart) =>
        (chart as unknown as { session: Session }).session.curve.train.map(({ step }) => step),
      );
    expect(steps).toEqual(steps.map((_, i) => i + 1));
    await page.context().close();
  });

  test("updates what shows it one element after the other, so that a click never waits for all of them", async () => {
    const { page } = await training(site);
    const together = await page.evaluate(async () => {
      const shown = ["run-bar", "run-numbers", "loss-chart", "memory-plan"];
      const roots = (root: ParentNode): ShadowRoot[] =>
        [...root.querySelectorAll("*")].flatMap(({ shadowRoot, localName }) =>
          shadowRoot ? [...(shown.includes(localName) ? [shadowRoot] : []), ...roots(shadowRoot)] : [],
        );
      let [most, seen] = [0, 0];
      // Called at the end of every task.
      const observer = new MutationObserver((records) => {
        const changed = new Set(records.map(({ target }) => (target.getRootNode() as ShadowRoot).host));
        most = Math.max(most, changed.size);
        seen++;
      });
      const found = roots(document);
      for (const root of found)
        observer.observe(root, {
          ...{ attributes: true, characterData: true, childList: true },
          subtree: true,
        });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return { found: found.length, most, seen };
    });
    expect(together.found).toBe(4);
    expect(together.seen).toBeGreaterThan(4);
    expect(together.most).toBe(1);
    await page.context().close();
  });

  test("plans memory before the start, and shows what is in use beside it", async () => {
    const { page } = await site.open(FAKE);
    const plan = () => contentOf(page, "memory-plan");
    await expect.poll(plan).toContain(en.memory.beforeStart);
    const tiny = await textOf(page, "memory-plan h2 .number");
    await page.getByRole("radio", { name: en.settings.presets.base }).check();
    await expect.poll(() => textOf(page, "memory-plan h2 .number")).not.toBe(tiny);
    await page.getByRole("radio", { name: en.settings.presets.tiny }).check();
    await page.locator("run-bar button.primary").click();
    await expect.poll(plan).toContain(en.memory.asPlanned);
    await page.context().close();
  });

  test("whose GPU is lost goes on by itself, and says from where", async () => {
    const { page } = await site.open(FAKE);
    await page.locator("model-settings summary").click();
    await page.locator("model-settings #seed").fill("13");
    await page.locator("model-settings #seed").blur();
    await page.locator("run-bar button.primary").click();
    await page.getByText(en.run.recovered("5")).waitFor();
    expect(await phase(page)).toBe(en.run.phases.training);
    await page.context().close();
  });

  test("that diverges says so kindly and offers a remedy", async () => {
    const { page } = await site.open(FAKE);
    await page.locator("model-settings #learningRate").selectOption("0.01");
    await page.locator("run-bar button.primary").click();
    const card = page.locator("problem-card");
    await card.getByText(en.errors.kinds.DivergedError?.[1] ?? "").waitFor();
    expect(await phase(page)).toBe(en.run.phases.stopped);
    expect(await violations(page)).toEqual([]);
    await press(page, en.errors.dismiss);
    await expect.poll(() => contentOf(page, "problem-card")).not.toContain(en.errors.details);
    await page.context().close();
  });

  test("waits for the visitor after a reload, with its curve", async () => {
    const { page } = await training(site);
    await page
      .locator("run-bar .detail")
      .filter({ hasText: "Saved at step 50" })
      .waitFor({ timeout: 20_000 });
    await page.reload();
    await page.locator("saved-banner").getByText("Step 50 of 1,000").waitFor();
    await press(page, en.saved.resume);
    await expect.poll(() => phase(page)).toBe(en.run.phases.training);
    await press(page, en.chart.asTable);
    const rows = page.locator("loss-chart tbody tr");
    await expect.poll(() => rows.count()).toBeGreaterThan(8);
    expect(Number(await rows.first().locator("th").innerText())).toBeLessThan(20);
    await page.context().close();
  });
});

describe("a visitor's own text", () => {
  const choose = (page: OpenPage["page"], name: string, content: string | Uint8Array) =>
    page
      .locator("text-picker #file")
      .setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(content) });

  test("in Chinese is trained on, and samples begin like it", async () => {
    const { page } = await site.open(FAKE);
    await choose(page, "论语.txt", "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？".repeat(200));
    await page.getByText("4,600 characters").waitFor();
    await page.locator("run-bar button.primary").click();
    await page.locator("model-sample .prompt").first().waitFor({ timeout: 20_000 });
    expect(await textOf(page, "model-sample .prompt")).toBe("学而时习之，不亦说乎");
    await page.context().close();
  });

  test("is pasted, but not from an input; samples begin with whole words of it", async () => {
    const { page } = await site.open(FAKE);
    const paste = (where: string) =>
      page.locator(where).evaluate((element) => {
        element.scrollIntoView();
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", "The cat sat on the mat. ".repeat(200));
        element.dispatchEvent(
          new ClipboardEvent("paste", { ...{ clipboardData, bubbles: true }, composed: true }),
        );
      });
    await paste("model-settings #steps");
    expect(await contentOf(page, "text-picker")).not.toContain(en.source.pasted);
    await paste("loss-chart");
    await expect.poll(() => contentOf(page, "text-picker")).toContain(en.source.pasted);
    await page.locator("run-bar button.primary").click();
    await page.locator("model-sample .prompt").waitFor();
    expect(await page.locator("model-sample .prompt").textContent()).toBe("The cat ");
    await page.context().close();
  });

  test("that is no text is refused with a remedy", async () => {
    const { page } = await site.open(FAKE);
    for (const [content, message] of [
      [new Uint8Array([0xd6, 0xd0, 0xce, 0xc4]), en.errors.notText("gbk.txt")],
      ["  \n", en.errors.emptyText("gbk.txt")],
      [new Uint8Array([0x50, 0x4b, 0, 1]), en.errors.notText("gbk.txt")],
    ] as const) {
      await choose(page, "gbk.txt", content);
      await page.locator("problem-card").getByText(message).waitFor();
    }
    await page.context().close();
  });
});

describe("the model", () => {
  test("writes token by token while training waits, and stops when told", async () => {
    const { page } = await training(site);
    await page.locator("text-writer #prompt").fill("Call me");
    await page.locator("text-writer #maxNewTokens").fill("500");
    await page.locator("text-writer button.primary").click();
    const written = page.locator("text-writer .text");
    await expect.poll(() => written.innerText()).toContain("Call meShall");
    await expect.poll(() => phase(page)).toBe(en.run.phases.paused);
    const early = (await written.innerText()).length;
    await expect.poll(async () => (await written.innerText()).length).toBeGreaterThan(early);
    await press(page, en.write.stop);
    await expect.poll(() => phase(page)).toBe(en.run.phases.training);
    expect((await written.innerText()).length).toBeLessThan(500);
    await page.context().close();
  });

  test("is saved as one file, and opened again", async () => {
    const { page } = await training(site);
    await press(page, en.run.stop);
    const download = page.waitForEvent("download");
    await press(page, en.files.save);
    const file = await (await download).path();
    await page.reload();
    await press(page, en.saved.discard);
    await page.locator("model-keeper #file").setInputFiles({
      name: "mine.tar",
      mimeType: "application/x-tar",
      buffer: await readFile(file),
    });
    await page.getByText(en.settings.fromFile("mine.tar")).waitFor();
    await page.locator("text-writer button.primary").click();
    await expect.poll(() => textOf(page, "text-writer .text")).toContain("Shall I go");
    await page.context().close();
  });

  test("is not read from files that hold none", async () => {
    const { page } = await site.open(FAKE);
    await page
      .locator("model-keeper #file")
      .setInputFiles({ name: "b.tar", mimeType: "application/x-tar", buffer: Buffer.alloc(2048) });
    await page.locator("problem-card").getByText(en.errors.notModel("b.tar")).waitFor();
    await page.context().close();
  });
});

describe("runs and settings", () => {
  test("stand in the address, and a shared address sets them", async () => {
    const { page } = await site.open(FAKE);
    await page.getByRole("radio", { name: en.settings.presets.base }).check();
    await page.locator("model-settings summary").click();
    await page.locator("model-settings #seed").fill("7");
    await page.locator("model-settings #seed").blur();
    await expect.poll(() => new URL(page.url()).search).toBe("?preset=base&seed=7");
    await page.goto(`${page.url()}&numHashes=8&learningRate=many`);
    await page.locator("model-settings summary").click();
    expect(await page.locator("model-settings #seed").inputValue()).toBe("7");
    expect(await page.locator("model-settings #numHashes").inputValue()).toBe("8");
    expect(await page.getByRole("radio", { name: en.settings.presets.base }).isChecked()).toBe(false);
    await page.context().close();
  });

  test("are copied as a link, with the language and how to write", async () => {
    const { page } = await site.open(`${FAKE}?lang=en`);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("radio", { name: en.settings.presets.base }).check();
    await page.locator("text-writer #prompt").fill("Call me & wait");
    await page.locator("text-writer #topK").fill("40");
    await page.locator("text-writer #topK").blur();
    await page.locator("text-writer #seed").fill("9");
    await page.locator("text-writer #seed").blur();
    await page.locator("#language").selectOption("zh");
    await press(page, zh.settings.share);
    await page.getByRole("button", { name: zh.settings.shared, exact: true }).waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const asked = new URL(link).searchParams;
    expect([...asked.keys()].sort()).toEqual(["lang", "preset", "write.prompt", "write.seed", "write.topK"]);
    // The address says the same, once it has followed.
    const parametersOf = (address: string) => Object.fromEntries(new URL(address).searchParams);
    await expect.poll(() => parametersOf(page.url())).toEqual(parametersOf(link));

    const { page: other } = await site.open(link.slice(new URL(link).origin.length));
    expect(await textOf(other, "run-bar button.primary")).toBe(zh.run.train);
    const beginning = () => other.locator("#studio").evaluate((studio) => studio.getBoundingClientRect().top);
    await expect.poll(beginning).toBeLessThan(100); // it leads to the studio
    expect(await beginning()).toBeGreaterThan(-100);
    await other.mouse.wheel(0, -1e6);
    await expect.poll(beginning).toBeGreaterThan(500);
    await other.evaluate(() => {
      location.hash = "";
      location.hash = "#studio";
    });
    await expect.poll(beginning).toBeLessThan(100); // and does so on a page that is open already
    // Other settings are not on the clipboard.
    await page.getByRole("radio", { name: zh.settings.presets.tiny }).check();
    await page.getByRole("button", { name: zh.settings.share, exact: true }).waitFor();
    expect(await other.getByRole("radio", { name: zh.settings.presets.base }).isChecked()).toBe(true);
    expect(await other.locator("text-writer #prompt").inputValue()).toBe("Call me & wait");
    expect(await other.locator("text-writer #topK").inputValue()).toBe("40");
    expect(await other.locator("text-writer #seed").inputValue()).toBe("9");
    expect(await other.locator("text-writer #temperature").inputValue()).toBe("0.8");
    await page.context().close();
    await other.context().close();
  });

  test("of the writing that an address says wrongly are as by default", async () => {
    const { page } = await site.open(`${FAKE}?write.topK=1.5&write.topP=2&write.temperature=&write.seed=3`);
    expect(await page.locator("text-writer #topK").inputValue()).toBe("0");
    expect(await page.locator("text-writer #topP").inputValue()).toBe("0.95");
    expect(await page.locator("text-writer #temperature").inputValue()).toBe("0.8");
    expect(await page.locator("text-writer #seed").inputValue()).toBe("3");
    await page.context().close();
  });

  test("the learning curve is saved as a figure, the memory as a table", async () => {
    const { page } = await training(site);
    await page.locator("loss-chart .legend b").first().filter({ hasText: /\d/ }).waitFor();
    await press(page, en.run.stop);
    const saved = async (element: string, kind: string) => {
      const download = page.waitForEvent("download");
      await page.locator(element).getByRole("button", { name: kind, exact: true }).click();
      return readFile(await (await download).path());
    };
    const drawing = (await saved("loss-chart", "SVG")).toString();
    const { error, points, text } = await page.evaluate((source) => {
      const parsed = new DOMParser().parseFromString(source, "image/svg+xml");
      return {
        error: parsed.querySelector("parsererror")?.textContent,
        points: [...parsed.querySelectorAll("polyline")].map(
          (line) => line.getAttribute("points")?.split(" ").length ?? 0,
        ),
        text: parsed.documentElement.textContent ?? "",
      };
    }, drawing);
    expect(error).toBeUndefined();
    expect(Math.max(...points)).toBeGreaterThan(2);
    for (const label of [en.chart.train, en.chart.bits]) expect(text).toContain(label);
    expect(drawing).not.toContain("class=");
    // It can be seen: dark ink on light paper.
    const { hidden, paper, inks } = await readSvg(page, drawing);
    expect(hidden).toBe(0);
    expect(paper).toBeGreaterThan(0.9);
    expect(Math.max(...inks)).toBeLessThan(0.7);
    expect(await pixelsDrawn(page, await saved("loss-chart", "PNG"))).toBeGreaterThan(500);

    const memory = JSON.parse((await saved("memory-plan", "JSON")).toString()) as {
      unit: string;
      rows: { category: string; planned: number; measured: number | null }[];
    };
    expect(memory.unit).toBe("bytes");
    const total = memory.rows.at(-1);
    expect(total?.category).toBe("total");
    expect(memory.rows.slice(0, -1).reduce((sum, { planned }) => sum + planned, 0)).toBe(total?.planned);
    expect(total?.measured).toBe(total?.planned);
    const lines = (await saved("memory-plan", "CSV")).toString().trimEnd().split("\r\n");
    expect(lines).toEqual([
      "category,planned,measured",
      ...memory.rows.map(({ category, planned, measured }) => `${category},${planned},${measured}`),
    ]);
    await page.context().close();
  });

  test("are compared in a table, saved, used again and forgotten", async () => {
    const { page } = await training(site);
    await press(page, en.run.stop);
    await page.getByRole("radio", { name: en.settings.presets.base }).check();
    await page.locator("run-bar button.primary").click();
    const rows = page.locator("run-table tbody tr");
    await expect.poll(() => rows.count()).toBe(2);
    await press(page, en.run.stop);
    const saved = async (kind: string) => {
      const download = page.waitForEvent("download");
      await page.locator("run-table").getByRole("button", { name: kind, exact: true }).click();
      return readFile(await (await download).path(), "utf8");
    };
    const runs = JSON.parse(await saved("JSON")) as Readonly<Record<string, unknown>>[];
    expect(runs.map(({ preset }) => preset)).toEqual(["base", "tiny"]);
    const [head, ...lines] = (await saved("CSV")).trim().split(/\r?\n/);
    expect(head?.split(",")).toEqual(Object.keys(runs[0] ?? {}));
    expect(lines).toHaveLength(2);
    await rows.nth(1).getByRole("button", { name: en.runs.use }).click();
    await expect
      .poll(() => page.getByRole("radio", { name: en.settings.presets.tiny }).isChecked())
      .toBe(true);
    expect(await violations(page)).toEqual([]);
    await press(page, en.runs.forget);
    await expect.poll(() => rows.count()).toBe(0);
    await page.context().close();
  });
});

describe("the test of the GPU", () => {
  const status = (page: OpenPage["page"]) => textOf(page, "gpu-test [role=status]");

  test("is saved as JSON, as it was shown", async () => {
    const { page } = await site.open(FAKE);
    await press(page, en.gpuTest.quick);
    const report = await savedReport(page);
    expect(report).toMatchObject({ extent: "quick", state: "complete", adapter: { vendor: "fake" } });
    expect(report.checks.map(({ passed }) => passed)).toEqual([true, true, false, true, true]);
    await page.context().close();
  });

  test("is cancelled by its button, and by a visitor who starts training", async () => {
    const { page } = await site.open(FAKE);
    for (const stop of [en.gpuTest.cancel, en.run.train]) {
      await press(page, en.gpuTest.full);
      await expect.poll(() => status(page)).toContain(en.gpuTest.parts.kernels);
      await press(page, stop);
      await expect
        .poll(() => status(page))
        .toBe(stop === en.run.train ? en.gpuTest.busy : en.gpuTest.state.cancelled);
    }
    const report = await savedReport(page);
    expect(report.state).toBe("cancelled");
    expect(report.checks).toHaveLength(1);
    expect(await page.getByRole("button", { name: en.gpuTest.full, exact: true }).isDisabled()).toBe(true);
    await page.context().close();
  });
});
