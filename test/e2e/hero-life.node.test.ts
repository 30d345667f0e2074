/** The model at the top with a laboratory that only pretends: what it says in every state, and what its curve keeps. */
import type { Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { type Site, startSite, textOf } from "./site.js";
import { measured, show } from "./station-driver.js";

const PAGE = "/test/e2e/fake/fake.html?lang=en&lab";
const { learner } = en.hero;

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const status = (page: Page) => textOf(page, "tiny-learner [role=status]");
const stepOf = async (page: Page) => Number(/step (\d+)/i.exec(await status(page))?.[1] ?? 0);
const press = (page: Page, name: string) =>
  page.locator("tiny-learner").getByRole("button", { name, exact: true }).click();
/** Steps of the curve. */
const drawn = (page: Page): Promise<readonly number[]> =>
  page.locator("tiny-learner").evaluate((element) => {
    const { losses } = (element as unknown as { recording(): { losses: [number, number][] } }).recording();
    return losses.map(([step]) => step);
  });
/** Keeps all that the status has said, for `said`. */
const listen = (page: Page) =>
  page.locator("tiny-learner").evaluate((element) => {
    const line = element.shadowRoot?.querySelector("[role=status]");
    const said: string[] = [];
    Object.assign(window, { said });
    if (line)
      new MutationObserver(() => said.push(line.textContent ?? "")).observe(line, {
        ...{ characterData: true, childList: true, subtree: true },
      });
  });
const said = (page: Page) => page.evaluate(() => (window as unknown as { said: readonly string[] }).said);
/** As a browser does when its window is covered, or seen again. */
const cover = (page: Page, hidden: boolean) =>
  page.evaluate((to) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => to });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

test("steps that had begun when it paused are in the curve, and are what it says it reached", async () => {
  const { page, complaints } = await site.open(PAGE);
  await expect.poll(() => stepOf(page)).toBeGreaterThan(3);
  await listen(page);
  for (let pauses = 0; pauses < 2; pauses++) {
    await press(page, learner.pause);
    await page.waitForTimeout(300); // it finishes what had begun
    const paused = await stepOf(page);
    expect(await status(page)).toBe(learner.paused(String(paused)));
    expect((await drawn(page)).at(-1)).toBe(paused);
    await press(page, learner.resume);
    await expect.poll(() => stepOf(page)).toBeGreaterThan(paused + 3);
  }
  const steps = await drawn(page);
  expect(steps).toEqual(steps.map((_, i) => i + 1));
  expect(await said(page), "what is compiled is not compiled again").not.toContain(learner.compiling);
  expect(complaints).toEqual([]);
  await page.context().close();
});

/** Keeps what the status says in every frame, from the page's first on. */
function watchStatus(): void {
  const said: string[] = [];
  Object.assign(window, { said });
  const learnerIn = (root: ParentNode): Element | null => {
    let found = root.querySelector("tiny-learner");
    for (const { shadowRoot } of root.querySelectorAll("*")) found ??= shadowRoot && learnerIn(shadowRoot);
    return found;
  };
  const look = () => {
    const line = learnerIn(document)?.shadowRoot?.querySelector("[role=status]");
    said.push(line?.textContent?.trim() ?? "");
    requestAnimationFrame(look);
  };
  look();
}

test("it says that it compiles before its first step", async () => {
  const { page } = await site.open(PAGE, { before: watchStatus });
  await expect.poll(() => stepOf(page)).toBeGreaterThan(0);
  expect(await said(page)).toContain(learner.compiling);
  await page.context().close();
});

test("one step is one step, though the page is hidden and seen again in the middle of it", async () => {
  const { page } = await site.open(PAGE, { reducedMotion: "reduce" });
  await press(page, learner.step);
  await expect.poll(() => status(page)).toBe(learner.compiling);
  await cover(page, true);
  await cover(page, false);
  await expect.poll(() => status(page)).not.toBe(learner.compiling);
  await page.waitForTimeout(500); // more steps would have been taken by then
  expect(await stepOf(page)).toBeLessThanOrEqual(1);
  expect((await drawn(page)).length).toBeLessThanOrEqual(1);
  await page.context().close();
});

test("it has learned only where the copy costs little; else it offers another start", async () => {
  const { page } = await site.open(PAGE);
  await expect.poll(() => status(page), { timeout: 30_000 }).toMatch(/^Learned in 240 steps, /);
  await press(page, learner.again);
  await expect.poll(() => status(page), { timeout: 30_000 }).toMatch(/^240 steps in .* cannot copy yet/);
  await page.context().close();
});

test("it does not start by itself where less motion is wanted, nor on a hidden page", async () => {
  const still = await site.open(PAGE, { reducedMotion: "reduce" });
  await still.page
    .locator("tiny-learner")
    .getByRole("button", { name: learner.start, exact: true })
    .waitFor();
  expect(await status(still.page)).toBe(learner.lessMotion);
  // Another station measures in the meantime: the GPU was free, and nobody took it.
  await measured(await show(still.page, 4), "en");
  expect(await status(still.page)).toBe(learner.lessMotion);
  await press(still.page, learner.start);
  await expect.poll(() => stepOf(still.page)).toBeGreaterThan(0);
  await still.page.context().close();

  const covered = await site.open(PAGE, {
    before: () => Object.defineProperty(document, "hidden", { configurable: true, get: () => true }),
  });
  await expect.poll(() => status(covered.page)).toBe(learner.hidden);
  await cover(covered.page, false);
  await expect.poll(() => stepOf(covered.page)).toBeGreaterThan(0);
  await covered.page.context().close();
});
