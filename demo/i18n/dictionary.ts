import type { en } from "./en.js";
import type { Phrases } from "./phrases.js";

/** Every phrase of the page. A language that lacks one does not compile. */
export type Dictionary = Phrases<typeof en>;
