/** The same keys in another language: a phrase, or what makes one from what it is given. */
export type Phrases<T> = T extends string
  ? string
  : T extends (...given: infer G) => string
    ? (...given: G) => string
    : { readonly [K in keyof T]: Phrases<T[K]> };
