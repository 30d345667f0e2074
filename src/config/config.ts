// Checks a configuration, and the rules that follow from one about lengths and buckets.

import { ConfigError, ShapeError } from "../errors.js";
import { elements } from "../shapes.js";
import {
  ACTIVATIONS,
  count,
  LAYER_KINDS,
  type LayerKind,
  MAX_TOKENS,
  NUMBERS,
  type NumberField,
  type NumberRule,
  type ReformerConfig,
  type ReformerOptions,
} from "./fields.js";
import { checkHashing, HASHINGS } from "./hashing.js";
import { resolveHead } from "./heads.js";

export * from "./fields.js";
export * from "./lengths.js";
export * from "./special-tokens.js";

const MAX_LAYERS = 1000;
const MAX_BUCKETS = 2 ** 20;
const MAX_UINT32 = 2 ** 32 - 1;

/** How messages call a field; a reader of foreign files names its own. */
export type FieldNames = (field: string) => string;

/**
 * Fills in defaults (a small byte-level language model) and checks every field.
 * @throws ConfigError naming the field, what was given and what is needed
 */
export function resolveConfig(
  options: ReformerOptions = {},
  names: FieldNames = (field) => field,
): ReformerConfig {
  const fail: Fail = (field, given, needed) => {
    throw new ConfigError(`${names(field)} is ${show(given)}, but must be ${needed}.`, { field });
  };
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new ConfigError("The configuration must be an object of settings, such as { hiddenSize: 256 }.");
  }
  for (const field of Object.keys(options)) {
    if (FIELDS.has(field)) continue;
    throw new ConfigError(`There is no setting ${field}. Settings are ${[...FIELDS].join(", ")}.`, { field });
  }
  /** What was given, or `fallback` where nothing was; null is something, and fails its check. */
  const given = (field: keyof ReformerOptions, fallback: unknown): unknown =>
    options[field] === undefined ? fallback : options[field];
  const numbers = {} as Record<NumberField, number>;
  for (const [field, rule] of Object.entries(NUMBERS) as [NumberField, NumberRule][]) {
    numbers[field] = checkNumber(fail, field, given(field, rule.fallback), rule);
  }
  const flag = (field: "causal" | "acrossBuckets", fallback: boolean): boolean => {
    const value = given(field, fallback);
    return typeof value === "boolean" ? value : fail(field, value, "true or false");
  };
  const choice = <T extends string>(field: string, value: unknown, allowed: readonly T[]): T =>
    allowed.find((name) => name === value) ?? fail(field, value, `one of ${allowed.join(", ")}`);

  const stack = (field: "layers" | "encoderLayers", fallback: unknown): LayerKind[] => {
    const kinds = given(field, fallback);
    if (!Array.isArray(kinds) || kinds.length < 1 || kinds.length > MAX_LAYERS) {
      return fail(field, kinds, `a list of 1 to ${MAX_LAYERS} of ${LAYER_KINDS.join(", ")}`);
    }
    return kinds.map((kind, i) => choice(`${field}[${i}]`, kind, LAYER_KINDS));
  };
  const layers = stack("layers", ["local", "lsh", "local", "lsh"]);
  const token = (field: string, value: unknown) =>
    checkNumber(fail, field, value, count(0, 0, numbers.vocabSize - 1));
  const pad = given("padTokenId", 0);
  const eos = given("eosTokenId", null);
  const seed = given("hashSeed", null);
  const tokens = (list: readonly unknown[]) =>
    list.length > 0
      ? list.map((value, i) => token(`eosTokenId[${i}]`, value))
      : fail("eosTokenId", list, "a token, a list of at least one, or null");
  const { positions, maxLength } = resolvePositions(fail, options, numbers.hiddenSize);
  const checks = { fail, number: (...rule: CheckedNumber) => checkNumber(fail, ...rule), choice };
  const head = resolveHead(checks, options, numbers);
  const pair = head.head === "sequence-to-sequence";
  if (!pair && options.encoderLayers !== undefined && options.encoderLayers.length !== 0) {
    fail("encoderLayers", options.encoderLayers, 'left out unless head is "sequence-to-sequence"');
  }
  const config: ReformerConfig = {
    ...numbers,
    ...head,
    layers,
    encoderLayers: pair ? stack("encoderLayers", layers) : [],
    activation: choice("activation", given("activation", "gelu"), ACTIVATIONS),
    causal: flag("causal", pair || head.head === "language-model"),
    positions,
    maxLength,
    numBuckets: resolveBuckets(fail, given("numBuckets", "auto")),
    hashing: choice("hashing", given("hashing", "rotations"), HASHINGS),
    duplicates: choice("duplicates", given("duplicates", "count"), ["count", "once"]),
    acrossBuckets: flag("acrossBuckets", true),
    padTokenId: pad === null ? null : token("padTokenId", pad),
    eosTokenId: eos === null ? null : Array.isArray(eos) ? tokens(eos) : token("eosTokenId", eos),
    hashSeed: seed === null ? null : checkNumber(fail, "hashSeed", seed, count(0, 0, MAX_UINT32)),
    extra: options.extra ?? {},
  };
  if (config.headSize % 4 !== 0)
    fail("headSize", config.headSize, "a multiple of 4: heads are read in fours");
  if (config.head === "language-model" && !config.causal) {
    fail("causal", false, 'true where head is "language-model": it must not see the token it predicts');
  }
  if (config.head === "masked-language-model" && config.causal) {
    fail("causal", true, 'false where head is "masked-language-model": it sees both directions');
  }
  checkHashing(fail, config);
  if (pair && !config.causal) {
    fail(
      "causal",
      false,
      'true where head is "sequence-to-sequence": its decoder must not see what it predicts',
    );
  }
  if (pair && config.eosTokenId === null) {
    fail("eosTokenId", null, 'a token where head is "sequence-to-sequence": it begins and ends every target');
  }
  for (const kind of ["lsh", "local"] as const) {
    if (pair) break; // the encoder's: the decoder takes 0
    const after = config[`${kind}ChunksAfter`];
    if (config.causal && after > 0 && config.layers.includes(kind)) {
      fail(`${kind}ChunksAfter`, after, "0 where causal is true: a causal model cannot look at later chunks");
    }
  }
  return config;
}

const CHOICES =
  "layers encoderLayers activation causal positions numBuckets hashing duplicates acrossBuckets padTokenId eosTokenId hashSeed extra " +
  "head labels problemType classifierPooling classifierDropout maskTokenId";
const FIELDS: ReadonlySet<string> = new Set([...Object.keys(NUMBERS), ...CHOICES.split(" ")]);

type Fail = (field: string, given: unknown, needed: string) => never;
type CheckedNumber = [field: string, given: unknown, rule: NumberRule];

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return Array.isArray(value) ? `[${value.map(show).join(", ")}]` : String(value);
}

function checkNumber(fail: Fail, field: string, given: unknown, rule: NumberRule): number {
  const { min, max, integer } = rule;
  const valid =
    typeof given === "number" && given >= min && given <= max && (!integer || Number.isInteger(given));
  return valid
    ? given
    : fail(field, given, `${integer ? "a whole number" : "a number"} from ${min} to ${max}`);
}

function resolveBuckets(fail: Fail, given: unknown): number | readonly number[] | "auto" {
  if (given === "auto") return given;
  const factors = Array.isArray(given) ? given : [given];
  const even = factors.every((factor) => Number.isInteger(factor) && factor >= 2 && factor % 2 === 0);
  if (factors.length === 0 || !even || factors.reduce((a, b) => a * b, 1) > MAX_BUCKETS) {
    fail(
      "numBuckets",
      given,
      `"auto", an even number, or a list of even factors, of product 2 to ${MAX_BUCKETS}`,
    );
  }
  return Array.isArray(given) ? [...factors] : (given as number);
}

function resolvePositions(
  fail: Fail,
  options: ReformerOptions,
  hiddenSize: number,
): Pick<ReformerConfig, "positions" | "maxLength"> {
  const given: unknown = options.positions === undefined ? { type: "axial" } : options.positions;
  const { type, shape, dims, maxLength: rows } = (given ?? {}) as Record<string, unknown>;
  const length = (implied: unknown) =>
    checkNumber(
      fail,
      "maxLength",
      options.maxLength === undefined ? implied : options.maxLength,
      NUMBERS.maxLength,
    );
  if (type === "learned") {
    const maxLength = length(rows ?? NUMBERS.maxLength.fallback);
    if (rows !== undefined && rows !== maxLength) fail("positions.maxLength", rows, `maxLength ${maxLength}`);
    return { positions: { type, maxLength }, maxLength };
  }
  if (type !== "axial")
    fail("positions", given, '{ type: "axial", shape, dims } or { type: "learned", maxLength }');
  const perAxis = (field: string, value: unknown): readonly number[] => {
    if (!Array.isArray(value) || value.length < 2 || value.length > 3)
      return fail(field, value, "two or three whole numbers");
    return value.map((number, axis) =>
      checkNumber(fail, `${field}[${axis}]`, number, count(0, 1, MAX_TOKENS)),
    );
  };
  const table = shape === undefined ? undefined : perAxis("positions.shape", shape);
  if (table && elements(table) > MAX_TOKENS)
    fail("positions.shape", shape, `at most ${MAX_TOKENS} positions`);
  const maxLength = length(table ? elements(table) : NUMBERS.maxLength.fallback);
  const axes = table ?? axialShape(maxLength);
  const widths = perAxis("positions.dims", dims === undefined ? axialDims(hiddenSize, axes.length) : dims);
  if (widths.length !== axes.length)
    fail("positions.dims", widths, `as many numbers as positions.shape ${JSON.stringify(axes)}`);
  if (widths.reduce((sum, width) => sum + width, 0) !== hiddenSize)
    fail("positions.dims", widths, `${axes.length} numbers of sum hiddenSize ${hiddenSize}`);
  const bytes = axes.reduce((sum, rows, axis) => sum + 4 * rows * (widths[axis] ?? 0), 0);
  if (bytes > POSITION_BYTES)
    fail(
      "positions.shape",
      axes,
      `tables of at most ${POSITION_BYTES} bytes, here ${bytes}: make the axes more alike`,
    );
  return { positions: { type: "axial", shape: axes, dims: widths }, maxLength };
}

/** Bytes of all tables of axial positions, at most: one binding holds them together. */
const POSITION_BYTES = 2 ** 26;

/** The most square table of at least `length` positions; exactly `length` where a divisor allows it. */
function axialShape(length: number): readonly [number, number] {
  const root = Math.floor(Math.sqrt(length));
  for (let rows = root; rows > root / 2; rows--) if (length % rows === 0) return [rows, length / rows];
  return [root, Math.ceil(length / root)];
}

/** A quarter of the width for every axis but the last, in fours where there is room. */
function axialDims(hiddenSize: number, axes: number): readonly number[] {
  const slow = hiddenSize >= 16 ? 4 * Math.floor(hiddenSize / 16) : Math.floor(hiddenSize / axes);
  return [...new Array<number>(axes - 1).fill(slow), hiddenSize - slow * (axes - 1)];
}

/**
 * Buckets for a padded length where none were configured: the power of two at or below twice the number of chunks,
 * as two factors once it exceeds 2·max(√(maxLength/chunk), chunk). The public model keeps its first choice.
 * @throws ShapeError where the length holds no whole chunk
 */
export function autoBuckets(
  length: number,
  chunkLength: number,
  maxLength: number,
): number | readonly [number, number] {
  const chunks = Math.floor(length / chunkLength);
  if (chunks < 1)
    throw new ShapeError(`length ${length} holds no chunk of ${chunkLength} tokens: pad it first.`, {
      length,
      chunkLength,
    });
  const power = Math.floor(Math.log2(2 * chunks));
  const limit = 2 * Math.max(Math.floor(Math.sqrt(Math.floor(maxLength / chunkLength))), chunkLength);
  if (2 ** power <= limit) return 2 ** power;
  const slow = Math.floor(power / 2);
  return [2 ** slow, 2 ** (power - slow)];
}

/** The factors of the bucket count at a padded length; one factor where it is a plain number. */
export function bucketFactors(config: ReformerConfig, length: number): readonly number[] {
  const { numBuckets, lshChunkLength, maxLength } = config;
  const buckets = numBuckets === "auto" ? autoBuckets(length, lshChunkLength, maxLength) : numBuckets;
  return typeof buckets === "number" ? [buckets] : buckets;
}
