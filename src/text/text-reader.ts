// From a text to ids with the steps of Hugging Face's implementation: added tokens first, then what lies between them,
// normalized, cut into words, and each word by the model. The implementation takes some 100,000 characters at once and no
// more, and slows down before that: texts are handed over in pieces.
import type { Tokenizer as Implementation } from "@huggingface/tokenizers";
import { type AddedToken, sectionsAt } from "./added-tokens.js";
import { piecesOf, type Unit } from "./pieces.js";
import { stripsLeft } from "./public-steps.js";
import type { TokenizerJson } from "./standard-json.js";

const SPACE_FIRST = /^\p{White_Space}/u;

/** Part of a text that has been read. An id is undefined where the vocabulary has no token for what it lacks. */
export interface ReadPart {
  /** Where it ends, UTF-16 units. */
  readonly end: number;
  readonly ids: readonly (number | undefined)[];
}

/** Reads a text part by part; takes over the implementation's vocabulary. */
export function textReader(
  implementation: Implementation,
  json: TokenizerJson,
): (text: string) => Generator<ReadPart, undefined> {
  const { normalizer, pre_tokenizer: preTokenizer, model } = implementation;
  if (!model) throw new Error("a tokenizer has a model");
  const added = [...implementation.get_added_tokens_decoder().values()];
  keepAddedApart(model.tokens_to_ids, json, added);
  // Of two tokens of one text the special one counts.
  const inOrder = [...added].sort((a, b) => Number(b.special) - Number(a.special));
  const normal = (text: string): string => (normalizer ? normalizer.normalize(text) : text);
  prependFirst(preTokenizer);
  const sections = sectionsAt(
    inOrder.filter(({ normalized }) => !normalized).map((token) => [token.content, token]),
  );
  const normalSections = sectionsAt(
    inOrder.filter(({ normalized }) => normalized).map((token) => [normal(token.content), token]),
  );

  /** What the model gets of a text between added tokens; `first` where the text begins with it. */
  const unitsOf = (text: string, first: boolean): Unit[] => {
    const normalized = normal(text);
    return normalSections(normalized).flatMap(({ start, end, id }): Unit[] => {
      if (id !== undefined) return [id];
      const part = normalized.slice(start, end);
      return preTokenizer
        ? preTokenizer.pre_tokenize(part, wordOptions(first && start === 0 ? part : undefined))
        : [part];
    });
  };
  const idsOf = (unit: Unit): (number | undefined)[] =>
    typeof unit === "number"
      ? [unit]
      : model._call([unit]).map((token) => model.tokens_to_ids.get(token) ?? model.unk_token_id);

  // A text that loses the white space at its start has no first word.
  const losesFirst = stripsLeft(json.normalizer);

  return function* (text) {
    const opens = !(losesFirst && SPACE_FIRST.test(text));
    for (const { start, end, id } of sections(text)) {
      if (id !== undefined) {
        yield { end, ids: [id] };
        continue;
      }
      let last: number | undefined;
      const reading = { unitsOf: (part: string) => unitsOf(part, opens && start === 0), idsOf };
      for (const piece of piecesOf(text.slice(start, end), reading)) {
        const ids = piece.units.flatMap(idsOf);
        // Unknown characters side by side are one token.
        const fused = piece.continues && model.fuse_unk && ids[0] === model.unk_token_id && ids[0] === last;
        last = ids.at(-1);
        yield { end: start + piece.end, ids: fused ? ids.slice(1) : ids };
      }
    }
    return undefined;
  };
}

/** For the pre-tokenizers: the section, and the text that it begins with if it is the first. */
interface WordOptions {
  readonly section_index: number;
  readonly opening?: string | undefined;
}

const wordOptions = (opening: string | undefined): WordOptions => ({
  section_index: opening === undefined ? 1 : 0,
  opening,
});

/** What the implementation keeps of a pre-tokenizer's settings. */
interface Splitting {
  readonly tokenizers?: readonly (Splitting | null)[];
  readonly prepend_scheme?: unknown;
  pre_tokenize(text: string | string[], options?: WordOptions): string[];
  pre_tokenize_text(text: string, options?: WordOptions): string[];
}

/** A space before the first word alone: the implementation would put one before each that an earlier step has made. */
function prependFirst(preTokenizer: unknown): void {
  const step = preTokenizer as Splitting | null;
  if (!step) return;
  for (const inner of step.tokenizers ?? []) prependFirst(inner);
  if (step.prepend_scheme !== "first") return;
  step.pre_tokenize = (given, options = wordOptions(undefined)) =>
    [given].flat().flatMap((word, i) => {
      const { opening = "" } = options;
      const dropped = !opening.startsWith(word) && opening.includes(word); // what was in front
      const isFirst = i === 0 && !dropped;
      return step.pre_tokenize_text(word, isFirst ? options : wordOptions(undefined));
    });
}

/** The implementation's model knows added tokens, too: it would find them inside words. */
function keepAddedApart(ids: Map<string, number>, json: TokenizerJson, added: readonly AddedToken[]): void {
  const { vocab } = json.model as { readonly vocab?: unknown };
  const own = new Map<string, unknown>(
    Array.isArray(vocab) ? vocab.map(([token], id) => [token, id]) : Object.entries(vocab ?? {}),
  );
  for (const { content } of added) {
    const id = own.get(content);
    if (typeof id === "number") ids.set(content, id);
    else ids.delete(content);
  }
}
