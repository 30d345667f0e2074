/** The language model that stations 8, 10, 11 and 13 ask: the shipped one where there is one, else one trained on the spot. */
import { courseFile } from "../course-files.js";
import type { Params, Told } from "../lab/protocol.js";
import type { ReformerOptions } from "../runtime.js";
import type { Chapter } from "./chapter.js";
import { modelOf } from "./models.js";

/** How a shipped model came about, from its recipe.json. */
export interface Recipe {
  readonly date: string;
  readonly adapter: string;
  readonly [more: string]: unknown;
}
export interface ShippedModel {
  readonly url: string;
  readonly recipe: Recipe;
}

const known = new Map<string, Promise<ShippedModel | null>>();

/** The model of that name in the course's `models/` folder; null where there is none. */
export function shippedModel(name: string): Promise<ShippedModel | null> {
  const url = courseFile(`models/${name}/`);
  const found =
    known.get(name) ??
    fetch(`${url}recipe.json`)
      .then(async (response) => {
        // A server that answers every address with a page has no such model either.
        const isJson = response.headers.get("content-type")?.includes("json") ?? false;
        return response.ok && isJson ? { url, recipe: (await response.json()) as Recipe } : null;
      })
      .catch(() => null);
  known.set(name, found);
  return found;
}

const SIZES = {
  slow: { hiddenSize: 32, length: 128, batchSize: 2, steps: 80, learningRate: 1e-2, text: 60_000 },
  fast: { hiddenSize: 128, length: 1024, batchSize: 8, steps: 400, learningRate: 4e-3, text: 1_000_000 },
} as const;
/** Share of the book's end that no model here is trained on. */
const HELD_OUT = 0.1;

export type Question = Params<"language">["question"];

export interface WriterFacts {
  readonly shipped: ShippedModel | null;
  readonly length: number;
  /** Numbers of a head's vector, and tokens of a chunk, of the model that answers. */
  readonly headSize: number;
  readonly chunkLength: number;
}

export async function writerFacts(slow: boolean): Promise<WriterFacts> {
  const shipped = await shippedModel("writer");
  const { length, hiddenSize } = slow ? SIZES.slow : SIZES.fast;
  const trained = modelOf({ length, depth: 2, hiddenSize }, "local", "lsh");
  const config = shipped ? (shipped.recipe.model as ReformerOptions) : trained;
  const { headSize = 1, lshChunkLength = 1 } = config;
  return { shipped, length, headSize, chunkLength: lshChunkLength };
}

/** The end of the book, which training never sees, and what comes before it. */
export async function bookParts(chapter: Chapter): Promise<{ train: string; heldOut: string }> {
  const text = await chapter.text();
  const cut = Math.floor(text.length * (1 - HELD_OUT));
  return { train: text.slice(0, cut), heldOut: text.slice(cut) };
}

/** Asks the model, which is made first where there is none yet. */
export async function* askWriter(
  chapter: Chapter,
  slow: boolean,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<Told<"language">, void, undefined> {
  if (!chapter.lab) throw new Error("there is no laboratory");
  const { shipped } = await writerFacts(slow);
  const { hiddenSize, length, batchSize, steps, learningRate, text } = slow ? SIZES.slow : SIZES.fast;
  const { train } = await bookParts(chapter);
  const which = {
    url: shipped?.url ?? null,
    text: shipped ? "" : train.slice(0, text),
    config: modelOf({ length, depth: 2, hiddenSize }, "local", "lsh"),
    options: { steps, length, batchSize, learningRate, schedule: "cosine", heldOut: 0.01 } as const,
  };
  for await (const told of chapter.lab.run("language", { which, question }, signal)) {
    signal.throwIfAborted(); // what comes later answers a question that nobody asks any more
    yield told;
  }
}
