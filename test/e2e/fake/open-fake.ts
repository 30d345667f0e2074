/** The page with a model that only pretends, and what tests do with it. */
import { type OpenPage, type Site, textOf } from "../site.js";

export const FAKE = "/test/e2e/fake/fake.html";

/** Opens the page and trains until there is a step. */
export async function training(site: Site, path = FAKE): Promise<OpenPage> {
  const opened = await site.open(path);
  await opened.page.locator("run-bar button.primary").click();
  await opened.page.locator("run-numbers dd").first().filter({ hasText: /[1-9]/ }).waitFor();
  return opened;
}

/** Presses the button of this name. */
export const press = (page: OpenPage["page"], name: string) =>
  page.getByRole("button", { name, exact: true }).click();

/** What the run bar says that the run is doing. */
export const phase = (page: OpenPage["page"]) => textOf(page, "run-bar .phase");
