// A small model in every file format that is read, and what reading its damaged files must never do.
import { resolveConfig } from "../../src/config/config.js";
import { configToHuggingFace } from "../../src/config/hugging-face.js";
import { readModelFiles, writeModelFiles, writeWeights } from "../../src/engine/files.js";
import { ReformerError } from "../../src/errors.js";
import { makeTensor, type Tensor, writeSafetensors } from "../../src/io/safetensors.js";
import { matchWeights } from "../../src/io/weight-names.js";
import { initialValues, parameterCount, parameters } from "../../src/model/parameters.js";
import type { Random } from "../../src/random.js";
import { trainBpe } from "../../src/text/bpe-training.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import { encodeText } from "../../src/text/tokenizer.js";
import type { ModelFiles } from "../../src/types.js";
import { floats, torchOlder, torchZip } from "../io/torch-files.js";
import { unigramJson } from "../text/unigram-json.js";
import { mutate } from "./mutate.js";

const TEXT = "the whale, the white whale";
/** A mutated model may ask for any size; weights beyond this many values are not made. */
const LARGEST = 1e6;
/** Reading a damaged file of some kilobytes for longer than this is a hang. */
const HANG_MS = 1000;

export interface Target {
  readonly name: string;
  readonly files: ModelFiles;
  /** The file that is damaged. */
  readonly damaged: string;
}

/** One target for every format. */
export async function targets(): Promise<Target[]> {
  const config = resolveConfig({
    ...{
      vocabSize: 320,
      hiddenSize: 8,
      numHeads: 1,
      headSize: 4,
      feedForwardSize: 8,
      layers: ["lsh"],
      maxLength: 64,
    },
  });
  const weights = new Map<string, Tensor>();
  const list = parameters(config).map((one, i) => ({ one, values: initialValues(one, i, 1) }));
  for (const { one, values } of list) weights.set(one.name, makeTensor(one.shape, values));
  const bpe = await trainBpe(TEXT.repeat(9), { vocabSize: 270 });
  const files = writeModelFiles(config, bpe, weights);
  const half = new Map(
    list.map(({ one, values }) => [one.name, makeTensor(one.shape, values, "F16")] as const),
  );
  const torch = list.map(({ one, values }, i) => floats(one.name, String(i), one.shape, [...values]));
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const rest = {
    "config.json": files["config.json"],
    "tokenizer.json": files["tokenizer.json"],
  } as ModelFiles;
  const character = characterTokenizer(TEXT);
  return [
    { name: "safetensors", files, damaged: "model.safetensors" },
    {
      name: "safetensors, F16",
      files: { ...rest, "model.safetensors": writeSafetensors(half) },
      damaged: "model.safetensors",
    },
    {
      name: "PyTorch, zip",
      files: { ...rest, "pytorch_model.bin": torchZip(torch) },
      damaged: "pytorch_model.bin",
    },
    {
      name: "PyTorch, older",
      files: { ...rest, "pytorch_model.bin": torchOlder(torch) },
      damaged: "pytorch_model.bin",
    },
    {
      name: "PyTorch, protocol 4",
      files: { ...rest, "pytorch_model.bin": torchOlder(torch, { protocol: 4 }) },
      damaged: "pytorch_model.bin",
    },
    {
      name: "PyTorch, protocol 5",
      files: { ...rest, "pytorch_model.bin": torchZip(torch, { protocol: 5 }) },
      damaged: "pytorch_model.bin",
    },
    { name: "config", files, damaged: "config.json" },
    {
      name: "config of our own",
      files: { ...files, "config.json": json(configToHuggingFace({ ...config, duplicates: "once" })) },
      damaged: "config.json",
    },
    { name: "BPE tokenizer", files, damaged: "tokenizer.json" },
    {
      name: "character tokenizer",
      files: { ...files, "tokenizer.json": json(character.toJSON()) },
      damaged: "tokenizer.json",
    },
    {
      name: "Unigram tokenizer",
      files: { ...files, "tokenizer.json": json(unigramJson()) },
      damaged: "tokenizer.json",
    },
  ];
}

export interface Counts {
  inputs: number;
  accepted: number;
  refused: number;
  /** Errors of no class of ours, or that call readable JSON no JSON. */
  readonly untyped: string[];
  readonly hangs: string[];
}

export function emptyCounts(): Counts {
  return { inputs: 0, accepted: 0, refused: 0, untyped: [], hangs: [] };
}

/** Reads the target with one damaged file, as loading a model does up to the GPU, and counts what came of it. */
export async function tryOne({ files, damaged }: Target, random: Random, counts: Counts): Promise<void> {
  const bytes = mutate(random, files[damaged] as Uint8Array);
  const given = { ...files, [damaged]: bytes };
  const started = performance.now();
  counts.inputs++;
  try {
    await readAll(given);
    counts.accepted++;
  } catch (error) {
    counts.refused++;
    const calledUnreadable = error instanceof Error && error.message.includes("not JSON") && isJson(bytes);
    if (!(error instanceof ReformerError) || calledUnreadable) {
      counts.untyped.push(`${damaged}: ${error}: ${JSON.stringify(String.fromCharCode(...bytes))}`);
    }
  }
  if (performance.now() - started <= HANG_MS) return;
  const again = performance.now(); // what hangs hangs again; a machine that was busy elsewhere does not
  await readAll(given).catch(() => {});
  const milliseconds = performance.now() - again;
  if (milliseconds > HANG_MS) counts.hangs.push(`${damaged}: ${Math.round(milliseconds)} ms: ${[...bytes]}`);
}

async function readAll(files: ModelFiles): Promise<void> {
  const { config, tokenizer, weights } = await readModelFiles(files);
  tokenizer.decode(await encodeText(tokenizer, TEXT, {}));
  if (parameterCount(config) > LARGEST) return;
  const list = parameters(config);
  const matched = matchWeights(weights, new Map(list.map((parameter) => [parameter.name, parameter])));
  await writeWeights(matched, { parameters: list, write: () => {}, flush: async () => {} }, { seed: 1 });
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
