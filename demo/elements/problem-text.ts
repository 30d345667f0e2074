import type { Dictionary } from "../i18n/dictionary.js";
import { PageError } from "../text-source.js";

/** What went wrong and what to do, in the page's language. */
export function problemText(problem: Error, t: Dictionary): { title: string; remedy: string; own: boolean } {
  const { kinds } = t.errors;
  if (problem instanceof PageError) {
    const kind = problem.phrase === "notModel" ? "CheckpointError" : "TextError";
    const title = problem.phrase === "bookMissing" ? kinds.other?.[0] : kinds[kind]?.[0];
    return { title: title ?? "", remedy: t.errors[problem.phrase](problem.subject), own: true };
  }
  const [title = "", remedy = ""] = kinds[problem.name] ?? kinds.other ?? [];
  return { title, remedy, own: false };
}
