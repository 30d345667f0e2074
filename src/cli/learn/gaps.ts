// Questions to the writer that comes with the page, which was trained for nothing but to go on with the book: a word is left
// out of the book's unseen end, and of ten words that stand shortly before, the one with which the whole passage is most
// probable is the answer. Recorded by how many characters before the gap it was given.
//
// Source: Hill et al. 2015, "The Goldilocks Principle" (Children's Book Test); there choices are of the answer's word class.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Engine } from "../../engine/engine.js";
import { memoryStore } from "../../io/memory-store.js";
import { Random } from "../../random.js";
import { splitText } from "../../text/dataset.js";
import { BOOK, readBook } from "../book.js";
import { addToModel, folderOf } from "./keep.js";
import { record } from "./record.js";

/** A passage with a word left out. */
export interface Gap {
  readonly before: string;
  readonly after: string;
  /** In random order. */
  readonly choices: readonly string[];
  readonly answer: string;
  /** The choice that the training part has most often: what one would say without reading. */
  readonly commonest: string;
}

const QUESTIONS = 300;
/** Questions that come with the page, and the characters before their gaps. */
const SHOWN = { questions: 64, before: 400 };
const CHOICES = 10;
/** Characters before the gap that choices are taken from, and those after it that are read. */
const NEAR = 300;
const AFTER = 80;
const BEFORE = [25, 100, 400, 1600] as const;
const SEED = 1;
/** A word in small letters, not a part of a longer one. */
const WORD = /(?<![\w'’-])[a-z]{2,}(?![\w'’-])/g;

/** Questions about the held-out part, spread over it at random. */
export function gapsOf(train: string, heldOut: string, count: number, seed: number): Gap[] {
  const counts = new Map<string, number>();
  for (const [word] of train.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const often = (word: string) => counts.get(word) ?? 0;
  const random = new Random(seed);
  const furthest = Math.max(...BEFORE);
  const places = [...heldOut.matchAll(WORD)].filter(({ index }) => index >= furthest);
  random.shuffle(places);
  const gaps: Gap[] = [];
  for (const { 0: answer, index } of places) {
    if (gaps.length === count) break;
    const end = index + answer.length;
    const before = heldOut.slice(index - furthest, index);
    const others = [...new Set(Array.from(before.slice(-NEAR).matchAll(WORD), ([word]) => word))];
    random.shuffle(others);
    const choices = [answer, ...others.filter((word) => word !== answer).slice(0, CHOICES - 1)];
    if (choices.length < CHOICES) continue;
    random.shuffle(choices);
    const commonest = choices.reduce((most, word) => (often(word) > often(most) ? word : most));
    gaps.push({ before, after: heldOut.slice(end, end + AFTER), choices, answer, commonest });
  }
  return gaps;
}

/** Asks the shipped writer; true where it beats the commonest word. */
export async function learnGaps(signal: AbortSignal): Promise<boolean> {
  const { train, heldOut } = splitText(await readBook());
  const gaps = gapsOf(train, heldOut, QUESTIONS, SEED);
  const model = await shippedWriter(signal);
  const { adapter } = await model.describe();
  const share = (right: number) => right / gaps.length;
  const points: { before: number; accuracy: number }[] = [];
  for (const before of BEFORE) {
    let right = 0;
    for (const gap of gaps) {
      const bits: number[] = [];
      for (const choice of gap.choices) {
        const text = gap.before.slice(-before) + choice + gap.after;
        bits.push((await model.score(text, { signal })).bits);
      }
      if (gap.choices[bits.indexOf(Math.min(...bits))] === gap.answer) right++;
    }
    points.push({ before, accuracy: share(right) });
    console.log(`${before} characters before the gap: ${(100 * share(right)).toFixed(1)} % right`);
  }
  await model.dispose();
  const commonest = share(gaps.filter((gap) => gap.commonest === gap.answer).length);
  console.log(`the commonest word: ${(100 * commonest).toFixed(1)} %, guessing ${100 / CHOICES} %`);
  const shown = gaps
    .slice(0, SHOWN.questions)
    .map((gap) => ({ ...gap, before: gap.before.slice(-SHOWN.before) }));
  await addToModel("writer", "gaps.json", shown);
  await record(
    "gaps",
    {
      adapter: adapter.description,
      text: BOOK,
      command: "npm run learn -- gaps",
      ...{ seed: SEED, questions: QUESTIONS, choices: CHOICES, after: AFTER },
      ...{ points, commonest },
    },
    {
      title: `Which of ${CHOICES} words was left out of Moby Dick's unseen end`,
      x: "characters read before the gap",
      y: "share right",
      curves: [{ label: "the writer", points: points.map((p) => [p.before, p.accuracy]) }],
      levels: [
        { label: "the commonest word", y: commonest },
        { label: "guessing", y: 1 / CHOICES },
      ],
    },
  );
  return points.every(({ accuracy }) => accuracy > commonest);
}

async function shippedWriter(signal: AbortSignal): Promise<Engine> {
  const names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
  const read = async (name: string) => [name, new Uint8Array(await readFile(join(folderOf("writer"), name)))];
  const files = Object.fromEntries(await Promise.all(names.map(read)));
  return Engine.load({ files }, { openStore: async () => memoryStore(), signal });
}
