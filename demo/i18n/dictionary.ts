import type { en } from "./en.js";

type Phrases<T> = T extends string
  ? string
  : T extends (...given: infer G) => string
    ? (...given: G) => string
    : { readonly [K in keyof T]: Phrases<T[K]> };

/** Every phrase of the page. A language that lacks one does not compile. */
export type Dictionary = Phrases<typeof en>;
