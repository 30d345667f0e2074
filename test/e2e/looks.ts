/** What is wrong with the look of a page: for readers with other senses, in the dark, and on a narrow screen. */
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright";
import { expect } from "vitest";

/** The narrowest screen, in CSS pixels. */
const NARROW = 320;

/** The rules that read colours. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** What axe objects to, one line a rule. Most of its time goes into lists of what it does not object to. */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(axe.source);
  const options = JSON.stringify({ resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
  const { violations: found } = await page.evaluate<AxeResults>(`axe.run(${options})`);
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`);
}

/** Texts of the stations' figures that reach beyond their figure, and pairs that cover each other. */
export const misplaced = (page: Page): Promise<{ readonly cut: string[]; readonly covered: string[] }> =>
  page.locator("chapter-stations .slot > *").evaluateAll((stations) => {
    const found: { cut: string[]; covered: string[] } = { cut: [], covered: [] };
    for (const figure of stations.flatMap((one) => [
      ...(one.shadowRoot?.querySelectorAll("svg.figure") ?? []),
    ])) {
      const all = figure.getBoundingClientRect();
      const texts = [...figure.querySelectorAll("text")].map((text) => ({
        text: text.textContent,
        box: text.getBoundingClientRect(),
      }));
      // A letter may be drawn a little beyond its own width.
      for (const { text, box } of texts)
        if (box.right > all.right + 1.5 || box.left < all.left - 1.5)
          found.cut.push(`${text} of ${all.width} px`);
      if (figure.matches(".cells")) continue; // one text, in pieces
      for (const [i, a] of texts.entries())
        for (const b of texts.slice(i + 1)) {
          const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
          const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
          if (wide > 1 && high > 4) found.covered.push(`${a.text} | ${b.text}`); // letters, not the space around them
        }
    }
    return found;
  });

/** Nothing axe objects to, light or dark, no text cut off, and nothing beyond a narrow screen. */
export async function checkLooks(page: Page, what: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const rules = colorScheme === "light" ? undefined : COLOURS; // the others ask nothing of colours
    expect.soft(await violations(page, rules), `${what}, ${colorScheme}`).toEqual([]);
  }
  expect.soft((await misplaced(page)).cut, what).toEqual([]);
  const before = page.viewportSize();
  await page.setViewportSize({ width: NARROW, height: 800 });
  const beyond = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(beyond, { message: `${what}, ${NARROW} px` }).toBeLessThanOrEqual(0);
  await expect
    .poll(async () => (await misplaced(page)).cut, { message: `${what}, ${NARROW} px` })
    .toEqual([]);
  if (before) await page.setViewportSize(before);
}
