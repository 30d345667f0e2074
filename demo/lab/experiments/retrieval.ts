/** Keys and values scattered through filler, and a question for one key at the end: the shipped model answers one by one. */
import type { Bench } from "../bench.js";

/** How the model's texts are written; its recipe says it. Tokens are letters, from `firstLetter` on. */
export interface Layout {
  readonly keys: number;
  readonly values: number;
  readonly fillers: number;
  /** Token of the first key's record with the first value. */
  readonly records: number;
  readonly firstLetter: number;
}

export interface RetrievalParams {
  readonly url: string;
  readonly layout: Layout;
  readonly length: number;
  readonly questions: number;
}

export interface RetrievalTold {
  readonly key: number;
  readonly value: number;
  /** Tokens from the record to the end. */
  readonly distance: number;
  /** The value that the model answered with; null where it answered with something else. */
  readonly answer: number | null;
  readonly milliseconds: number;
}

/** Share of the text, from its beginning, that records stand in. */
const EARLY = 0.5;

const below = (n: number) => Math.floor(Math.random() * n);

export async function* retrieval(
  bench: Bench,
  { url, layout, length, questions }: RetrievalParams,
  signal: AbortSignal,
): AsyncGenerator<RetrievalTold> {
  let model = bench.kept("finder", url);
  if (!model) {
    model = await bench.load(url, { signal });
    await bench.keep("finder", url, model);
  }
  const { keys, values, fillers, records, firstLetter } = layout;
  const question = records + keys * values;
  const answers = question + keys;
  const letter = (token: number) => String.fromCodePoint(firstLetter + token - records);
  for (let i = 0; i < questions; i++) {
    const tokens = Array.from({ length: length - 1 }, () => answers + values + below(fillers));
    const places = new Set<number>();
    while (places.size < keys) places.add(below(EARLY * length));
    const scattered = [...places].map((place, key) => ({ place, key, value: below(values) }));
    for (const { place, key, value } of scattered) tokens[place] = records + key * values + value;
    const asked = scattered[below(keys)] as (typeof scattered)[number];
    const prompt = [...tokens, question + asked.key].map(letter).join("");
    const began = performance.now();
    const written = await model.generate(prompt, { maxNewTokens: 1, temperature: 0, signal }).text();
    const answer = (written.codePointAt(0) ?? 0) - firstLetter + records - answers;
    yield {
      key: asked.key,
      value: asked.value,
      distance: length - asked.place,
      answer: answer >= 0 && answer < values ? answer : null,
      milliseconds: performance.now() - began,
    };
  }
}
