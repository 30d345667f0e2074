// What the page that runs cases in a browser and the server say to each other.
import type { CaseResult } from "./conformance.js";

/** Which cases the server wants. */
export interface Wanted {
  readonly kinds?: readonly string[];
}

/** What the page tells the server, in this order: the adapter, every result, the end; or an error. */
export type Report =
  | { readonly what: "adapter"; readonly adapter: string }
  | { readonly what: "result"; readonly result: CaseResult }
  | { readonly what: "end" }
  | { readonly what: "error"; readonly message: string };

/** JSON has no infinity, which is the error of a value that is not there at all. */
const INFINITY = "Infinity";

export function writeReport(report: Report): string {
  return JSON.stringify(report, (_, value) => (value === Infinity ? INFINITY : value));
}

export function readReport(text: string): Report {
  return JSON.parse(text, (_, value) => (value === INFINITY ? Infinity : value)) as Report;
}
