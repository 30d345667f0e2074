// The command line of `npm run train`, as a table: parsing, defaults and help come from it.
import { parseArgs } from "node:util";
import { ConfigError } from "../errors.js";
import type { ReformerOptions, TokenizerOptions, TrainOptions } from "../types.js";

/** An option's value in the help text, what it does, and its default where there is a fixed one. */
interface Option {
  readonly value?: string;
  readonly help: string;
  readonly fallback?: string;
  readonly short?: string;
}

const GROUPS = {
  Model: {
    layers: { value: "KINDS", help: "local, lsh and full, one per layer", fallback: "local,lsh" },
    hidden: { value: "N", help: "width of each residual stream", fallback: "64" },
    heads: { value: "N", help: "attention heads", fallback: "2" },
    "head-size": { value: "N", help: "width of a head; default hidden / heads" },
    "feed-forward": { value: "N", help: "inner width of the feed-forward blocks; default 4 * hidden" },
    hashes: { value: "N", help: "hashing rounds of the LSH layers", fallback: "2" },
    chunk: { value: "N", help: "tokens per attention chunk", fallback: "64" },
    "max-length": {
      value: "N",
      help: "longest sequence the model takes; default 4096, or the length above that",
    },
    dropout: { value: "X", help: "dropout of the blocks' outputs and inner layers", fallback: "0" },
    tokenizer: { value: "KIND", help: "bytes, characters, or bpe:N for N pieces", fallback: "bytes" },
  },
  Training: {
    steps: { value: "N", help: "optimiser steps in all, those of a resumed run included", fallback: "500" },
    length: { value: "N", help: "tokens per sequence", fallback: "256" },
    batch: { value: "N", help: "sequences per step", fallback: "2" },
    accumulate: { value: "N", help: "batches summed into one step", fallback: "1" },
    optimizer: { value: "KIND", help: "adamw or adafactor", fallback: "adamw" },
    "learning-rate": { value: "X", help: "peak learning rate", fallback: "0.003" },
    schedule: {
      value: "KIND",
      help: "constant, linear, cosine or inverse-square-root",
      fallback: "cosine",
    },
    warmup: { value: "N", help: "steps of rising learning rate; default a twentieth of the steps" },
    "weight-decay": { value: "X", help: "of AdamW", fallback: "0.01" },
    clip: { value: "X", help: "largest global gradient norm, 0 for none", fallback: "1" },
    backward: { value: "KIND", help: "reversible, or stored activations", fallback: "reversible" },
    streams: { value: "KIND", help: "int32 fixed point, or f32", fallback: "int32" },
    precision: { value: "KIND", help: "f32, or mixed: products of half precision", fallback: "f32" },
    seed: { value: "N", help: "of weights, hashing, dropout, batches and samples", fallback: "0" },
    "held-out": { value: "X", help: "share of the text, its end, that is only measured", fallback: "0.1" },
    "evaluate-every": { value: "N", help: "steps between measurements of it, 0 for none", fallback: "50" },
  },
  Run: {
    checkpoint: { value: "NAME", help: "name to save and resume under; default the file's name" },
    checkpoints: { value: "FOLDER", help: "where checkpoints are kept", fallback: "checkpoints" },
    "checkpoint-every": {
      value: "N",
      help: "steps between checkpoints, 0 for the end alone",
      fallback: "100",
    },
    fresh: { help: "start anew although there is a checkpoint; it is replaced" },
    minutes: { value: "X", help: "stop and save after this time" },
    prompt: { value: "TEXT", help: "what samples go on from; default a line break" },
    "sample-every": { value: "N", help: "steps between samples, 0 for none", fallback: "100" },
    "sample-tokens": { value: "N", help: "tokens of a sample", fallback: "120" },
    out: { value: "FOLDER", help: "save the model there at the end: safetensors, config, tokenizer" },
    help: { help: "show this", short: "h" },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Option>>>>;

type Name = { [G in keyof typeof GROUPS]: keyof (typeof GROUPS)[G] }[keyof typeof GROUPS];
const OPTIONS = Object.assign({}, ...Object.values(GROUPS)) as Readonly<Record<Name, Option>>;

/** What the command line asks for. Ranges are checked by the engine. */
export interface TrainCommand {
  /** Text file; none: the bundled book. */
  readonly file: string | undefined;
  readonly config: ReformerOptions;
  readonly tokenizer: TokenizerOptions;
  readonly seed: number;
  readonly training: TrainOptions & { readonly checkpoint: string; readonly length: number };
  readonly checkpoints: string;
  readonly milliseconds: number | undefined;
  readonly out: string | undefined;
}

/** The fields that messages of the engine name, and the options that set them. */
const FIELD_OPTIONS: Readonly<Record<string, Name>> = {
  hiddenSize: "hidden",
  numHeads: "heads",
  headSize: "head-size",
  feedForwardSize: "feed-forward",
  numHashes: "hashes",
  lshChunkLength: "chunk",
  localChunkLength: "chunk",
  hiddenDropout: "dropout",
  batchSize: "batch",
  warmupSteps: "warmup",
  clipNorm: "clip",
};

/**
 * Reads the arguments.
 * @returns "help" where it is asked for
 * @throws {ConfigError} saying what was given, what is needed and what to do
 */
export function parseTrainCommand(args: readonly string[]): TrainCommand | "help" {
  const { given, positionals } = readArguments(args);
  if (given.help) return "help";
  if (positionals.length > 1) {
    throw new ConfigError(
      `Several files were given (${positionals.join(", ")}), needed is one: join them, or quote a name with spaces.`,
    );
  }
  const text = (name: Name): string | undefined =>
    (given[name] as string | undefined) ?? OPTIONS[name].fallback;
  const number = (name: Name): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = value.trim() === "" ? Number.NaN : Number(value);
    if (Number.isFinite(parsed) && (OPTIONS[name].value !== "N" || Number.isInteger(parsed))) return parsed;
    throw bad(name, value, OPTIONS[name].value === "N" ? "a whole number" : "a number");
  };
  const sure = (name: Name): number => number(name) as number; // of options with a fixed default
  const choice = (name: Name): string => text(name) as string;
  const [file] = positionals;
  const hiddenSize = sure("hidden");
  const numHeads = sure("heads");
  const length = sure("length");
  const minutes = number("minutes");
  return {
    file,
    config: {
      layers: choice("layers").split(",") as NonNullable<ReformerOptions["layers"]>,
      hiddenSize,
      numHeads,
      headSize: number("head-size") ?? Math.max(1, Math.floor(hiddenSize / numHeads)),
      feedForwardSize: number("feed-forward") ?? 4 * hiddenSize,
      numHashes: sure("hashes"),
      lshChunkLength: sure("chunk"),
      localChunkLength: sure("chunk"),
      maxLength: number("max-length") ?? Math.max(DEFAULT_MAX_LENGTH, 2 ** Math.ceil(Math.log2(length))),
      hiddenDropout: sure("dropout"),
    },
    tokenizer: parseTokenizer(choice("tokenizer")),
    seed: sure("seed"),
    training: {
      steps: sure("steps"),
      length,
      batchSize: sure("batch"),
      accumulate: sure("accumulate"),
      optimizer: choice("optimizer") as TrainOptions["optimizer"],
      learningRate: sure("learning-rate"),
      schedule: choice("schedule") as TrainOptions["schedule"],
      warmupSteps: number("warmup"),
      weightDecay: sure("weight-decay"),
      clipNorm: sure("clip"),
      backward: choice("backward") as TrainOptions["backward"],
      streams: choice("streams") as TrainOptions["streams"],
      precision: choice("precision") as TrainOptions["precision"],
      heldOut: sure("held-out"),
      evaluateEvery: sure("evaluate-every"),
      checkpoint: text("checkpoint") ?? nameOf(file),
      checkpointEvery: sure("checkpoint-every"),
      resume: !given.fresh,
      sampleEvery: sure("sample-every"),
      samplePrompt: text("prompt") ?? "\n",
      sampleTokens: sure("sample-tokens"),
    },
    checkpoints: choice("checkpoints"),
    milliseconds: minutes === undefined ? undefined : minutes * 60_000,
    out: text("out"),
  };
}

/** Positions of a model for sequences no longer than that: a longer prompt then still fits. */
const DEFAULT_MAX_LENGTH = 4096;

function readArguments(args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(OPTIONS).map(([name, { value, short }]) => [
      name,
      { type: value ? ("string" as const) : ("boolean" as const), ...(short ? { short } : {}) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { given: values as Readonly<Partial<Record<Name, string | boolean>>>, positionals };
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    if (!code?.startsWith("ERR_PARSE_ARGS_")) throw error;
    const known = `needed is one of ${Object.keys(OPTIONS)
      .map((name) => `--${name}`)
      .join(", ")}`;
    const what = code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" ? `${message.split(". ")[0]}; ${known}` : message;
    throw new ConfigError(`${what}. See npm run train -- --help.`);
  }
}

function parseTokenizer(given: string): TokenizerOptions {
  if (given === "bytes" || given === "characters") return { type: given };
  const [, size] = /^bpe:(\d+)$/.exec(given) ?? [];
  if (size) return { type: "bpe", vocabSize: Number(size) };
  throw bad("tokenizer", given, "bytes, characters or bpe:N with N pieces, such as bpe:1024");
}

function bad(name: Name, given: string, needed: string): ConfigError {
  return new ConfigError(`--${name} is ${JSON.stringify(given)}, but must be ${needed}.`, { field: name });
}

/** A checkpoint's name from a file's: letters, digits, - and _ of it, without folder and ending. */
function nameOf(file: string | undefined): string {
  if (file === undefined) return "moby-dick";
  const name = file.replace(/^.*[\\/]/, "").replace(/\.[^.]+$/, "");
  return name.replace(/[^\p{L}\p{N}_-]+/gu, "-") || "text";
}

/** A message of the engine, with the option that sets the field it names. */
export function explain(error: Error & { readonly details?: { readonly field?: unknown } }): string {
  const field = String(error.details?.field ?? "").replace(/\[.*/, "");
  const option = FIELD_OPTIONS[field] ?? field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const known = option in OPTIONS && !error.message.startsWith("--");
  return known ? `${error.message} It is set by --${option}.` : error.message;
}

/** What --help prints. */
export function trainHelp(): string {
  const lines = Object.entries(GROUPS).flatMap(([group, options]) => [
    "",
    `${group}:`,
    ...Object.entries(options as Readonly<Record<string, Option>>).map(([name, option]) => {
      const { value, help, fallback, short } = option;
      const usage = `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
      return `  ${usage.padEnd(24)}${help}${fallback ? ` (${fallback})` : ""}`;
    }),
  ]);
  return [
    "npm run train -- [FILE] [options]",
    "",
    "Trains a Reformer on a text file (UTF-8), or on Moby-Dick where no file is given. Ctrl-C saves; the same command",
    "goes on from there.",
    ...lines,
  ].join("\n");
}
