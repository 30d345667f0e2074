/** Shows the page with a runtime and a book. */

import { defineElements } from "./elements/index.js";
import type { ReformerPage } from "./elements/reformer-page.js";
import { applyLanguage } from "./i18n/language.js";
import type { Runtime } from "./runtime.js";
import type { Book } from "./text-source.js";
import { applyTheme } from "./theme.js";

export function startPage(runtime: Runtime, book: Book): void {
  applyTheme();
  applyLanguage();
  defineElements();
  const page = document.createElement("reformer-page") as ReformerPage;
  page.runtime = runtime;
  page.book = book;
  document.body.replaceChildren(page);
}
