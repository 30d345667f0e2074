// Learns byte-pair merges from a text: again and again, the most frequent pair of neighbours becomes a token.
// Only the pieces that hold the pair are touched by a merge, so the cost is that of the changes, not of the text.
import { ConfigError, TextError } from "../errors.js";
import {
  BYTES,
  bpeTokenizer,
  MAX_BPE_VOCAB,
  type Merge,
  PIECES,
  pairKey,
  tokenBytes,
} from "./bpe-tokenizer.js";
import { PairHeap } from "./pair-heap.js";
import { runInSlices, type SliceOptions } from "./slices.js";
import { bytesToAlphabet } from "./standard-json.js";
import type { Tokenizer } from "./tokenizer.js";

export interface BpeOptions extends SliceOptions {
  /** 257 to 65,536, of which 256 are the bytes. Default 1,256. */
  readonly vocabSize?: number | undefined;
}

const MIN_COUNT = 2; // a pair met once saves nothing

/**
 * A vocabulary trained on `text`; smaller than asked where no pair is left that occurs twice. Deterministic: of equally
 * frequent pairs the one with the lowest ids wins. Progress is in merges.
 * @throws TextError where the text is empty; ConfigError for a vocabSize out of range; signal.reason on abort
 */
export async function trainBpe(text: string, options: BpeOptions = {}): Promise<Tokenizer> {
  const vocabSize = options.vocabSize ?? 1256;
  if (!Number.isInteger(vocabSize) || vocabSize <= BYTES || vocabSize > MAX_BPE_VOCAB) {
    throw new ConfigError(
      `vocabSize is ${vocabSize}, but must be a whole number from ${BYTES + 1} to ${MAX_BPE_VOCAB}: 256 bytes and the merges.`,
      { field: "vocabSize" },
    );
  }
  if (text.length === 0) throw new TextError("The text is empty: a vocabulary needs a text to learn from.");
  const merges = await runInSlices(learnMerges(text, vocabSize - BYTES), vocabSize - BYTES, options);
  return bpeTokenizer(merges);
}

interface Word {
  readonly ids: number[];
  readonly count: number;
}

function* learnMerges(text: string, wanted: number): Generator<number, Merge[]> {
  const words = yield* countWords(text);
  const counts = new Map<number, number>();
  const holders = new Map<number, Set<Word>>(); // words that hold, or once held, a pair
  const heap = new PairHeap();
  const grown = new Set<number>();

  const add = (word: Word, first: number, second: number): void => {
    const key = pairKey(first, second);
    counts.set(key, (counts.get(key) ?? 0) + word.count);
    grown.add(key);
    const holding = holders.get(key);
    if (holding) holding.add(word);
    else holders.set(key, new Set([word]));
  };
  const remove = (word: Word, first: number, second: number): void => {
    const key = pairKey(first, second);
    counts.set(key, (counts.get(key) ?? 0) - word.count);
  };
  /** Replaces the pair in a word; only its neighbours' pairs change. */
  const merge = (word: Word, [first, second]: Merge, id: number): void => {
    const ids = word.ids;
    let kept = 0;
    for (let i = 0; i < ids.length; i++) {
      const found = ids[i] === first && ids[i + 1] === second;
      if (found) {
        const [before, after] = [ids[kept - 1], ids[i + 2]];
        if (before !== undefined) {
          remove(word, before, first);
          add(word, before, id);
        }
        if (after !== undefined) {
          remove(word, second, after);
          add(word, id, after);
        }
        i++;
      }
      ids[kept++] = found ? id : (ids[i] as number);
    }
    ids.length = kept;
  };
  const pushGrown = (): void => {
    for (const key of grown) heap.push(counts.get(key) as number, key);
    grown.clear();
  };

  for (const word of words) {
    for (let i = 0; i + 1 < word.ids.length; i++) add(word, word.ids[i] as number, word.ids[i + 1] as number);
  }
  pushGrown();
  const merges: Merge[] = [];
  const texts = tokenBytes([]).map(bytesToAlphabet);
  const known = new Set(texts);
  while (merges.length < wanted) {
    const key = heap.popLargest(counts);
    if (key === undefined || (counts.get(key) as number) < MIN_COUNT) break;
    const pair: Merge = [Math.floor(key / MAX_BPE_VOCAB), key % MAX_BPE_VOCAB];
    const text = `${texts[pair[0]]}${texts[pair[1]]}`;
    if (known.has(text)) {
      counts.delete(key); // another pair makes the same bytes already: tokens must differ
      continue;
    }
    known.add(text);
    texts.push(text);
    const id = BYTES + merges.push(pair) - 1;
    for (const word of holders.get(key) ?? []) merge(word, pair, id);
    counts.delete(key);
    holders.delete(key);
    pushGrown();
    yield merges.length;
  }
  return merges;
}

/** The different pieces of a text as bytes, with how often each occurs. */
function* countWords(text: string): Generator<number, Word[]> {
  const pieces = new Map<string, number>();
  let seen = 0;
  for (const [piece] of text.matchAll(PIECES)) {
    pieces.set(piece, (pieces.get(piece) ?? 0) + 1);
    if (++seen % 4096 === 0) yield 0;
  }
  const encoder = new TextEncoder();
  return [...pieces].map(([piece, count]) => ({ ids: Array.from(encoder.encode(piece)), count }));
}
