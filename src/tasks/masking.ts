// Masked language modelling: which tokens are hidden, and behind what (Devlin et al. 2019, section 3.1).
import type { ReformerConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import type { Random } from "../random.js";
import { Random as RandomStream } from "../random.js";
import type { Batch, BatchShape, BatchSource } from "../text/dataset.js";

/** Share of tokens to find where nothing is said. */
export const MASK_SHARE = 0.15;
/** Of these, shares that become the mask, or any token; the rest stay as they are. */
const MASKED = 0.8;
const REPLACED = 0.1;

/** Target of a token that is not to be found. */
const IGNORED = -100;
const MASK_STREAM = 13;

/**
 * Hides a share of the tokens of rows of inputs [rows, length], in place; at least one token is hidden.
 * @throws {ConfigError} where the model has no mask token
 */
export function maskTokens(
  { maskTokenId, vocabSize }: Pick<ReformerConfig, "maskTokenId" | "vocabSize">,
  inputs: Uint32Array,
  lengths: readonly number[],
  share: number,
  random: Random,
): { targets: Int32Array<ArrayBuffer>; counted: number } {
  if (maskTokenId === null) {
    throw new ConfigError(
      "maskTokenId is null, but masked language modelling needs a token that stands for a hidden one: set maskTokenId.",
      { field: "maskTokenId" },
    );
  }
  const length = inputs.length / lengths.length;
  const targets = new Int32Array(inputs.length).fill(IGNORED);
  let counted = 0;
  const hide = (i: number) => {
    targets[i] = inputs[i] as number;
    counted++;
    const way = random.uniform();
    if (way < MASKED) inputs[i] = maskTokenId;
    else if (way < MASKED + REPLACED) inputs[i] = random.below(vocabSize);
  };
  lengths.forEach((tokens, row) => {
    for (let t = 0; t < tokens; t++) if (random.uniform() < share) hide(row * length + t);
  });
  if (counted === 0) hide(random.below(lengths[0] ?? 1));
  return { targets, counted };
}

/** Windows of a text with hidden tokens, from a source of windows. */
export class MaskedSource implements BatchSource {
  constructor(
    readonly config: ReformerConfig,
    readonly source: BatchSource,
  ) {}

  batch(step: number, shape: BatchShape, seed: number): Batch {
    return maskBatch(
      this.config,
      this.source.batch(step, shape, seed),
      new RandomStream(seed, MASK_STREAM, step),
    );
  }
}

/** A batch of full windows with hidden tokens instead of next ones as targets. */
export function maskBatch(
  config: ReformerConfig,
  { inputs, batchSize, length }: Batch,
  random: Random,
): Batch {
  const lengths = new Array<number>(batchSize).fill(length);
  return { inputs, ...maskTokens(config, inputs, lengths, MASK_SHARE, random), batchSize, length };
}

/** Held-out windows with hidden tokens: the same ones at every call. */
export function* maskWindows(
  config: ReformerConfig,
  batches: Iterable<Batch>,
  seed: number,
): Generator<Batch> {
  let i = 0;
  for (const batch of batches)
    yield maskBatch(config, batch, new RandomStream(seed, MASK_STREAM, 2 ** 32, i++));
}
