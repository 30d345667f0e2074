// Writes tokens: the prompt in one forward pass, then one step per token against the caches.
import {
  endTokens,
  fillToken,
  longestLength,
  paddedLength,
  type ReformerConfig,
  startToken,
} from "../config/config.js";
import { ConfigError, ShapeError } from "../errors.js";
import type { Gpu } from "../gpu/gpu.js";
import { prefillHashes } from "../layers/decode.js";
import { packControl } from "../model/control.js";
import { planWithin } from "../scheduler/budget.js";
import type { Planner } from "../scheduler/plan.js";
import { PreparedPlan } from "../scheduler/run.js";
import { ceilDiv } from "../shapes.js";
import type { SamplingOptions } from "../types-generation.js";
import { nextGroup, runSteps } from "./group.js";
import { type GenerationPlan, GROUP, planPrefill, RUN } from "./recordings.js";
import { checkSampling, samplingControl } from "./sampling.js";

export interface GeneratorOptions {
  /** Of the device; the same as of the model's other plans. */
  readonly planner: Planner;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((compiled: number, total: number) => void) | undefined;
}

export interface GenerateTokensOptions extends SamplingOptions {
  /** Default: until the positions end. */
  readonly maxNewTokens?: number | undefined;
  /** A sequence ends before any of these tokens, and before the configuration's end-of-text token. */
  readonly stopTokens?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why a sequence ended: at a stop token, after `maxNewTokens`, or because the capacity or the model's positions are used up. */
export type EndReason = "stop" | "maxNewTokens" | "positions";

/** One step of a generation, by sequence. */
export interface GeneratedStep {
  /** The new token; undefined where the sequence has ended or still reads its prompt. */
  readonly tokens: readonly (number | undefined)[];
  /** Undefined where the sequence goes on. */
  readonly ended: readonly (EndReason | undefined)[];
}

/** Generates with one model on one device, one generation at a time. Owns its plan's buffers; borrows the weights. */
export class Generator {
  #prompts: readonly ArrayLike<number>[] = [];
  #position = 0;
  #hashed = false;
  #sampling: SamplingOptions = {};

  private constructor(
    readonly gpu: Gpu,
    readonly plan: GenerationPlan,
    readonly prepared: PreparedPlan,
    readonly planner: Planner,
  ) {}

  /**
   * Allocates the caches and compiles the steps that `planGeneration` has planned. `base` holds the weights.
   * @throws {GpuOutOfMemoryError}
   */
  static async create(
    gpu: Gpu,
    plan: GenerationPlan,
    base: PreparedPlan,
    { planner, signal, onProgress }: GeneratorOptions,
  ): Promise<Generator> {
    const prepared = await PreparedPlan.create(gpu, plan.plan, { shared: base, signal, onProgress });
    return new Generator(gpu, plan, prepared, planner);
  }

  /** Tokens of each sequence that have been read: the position of the next token. */
  get position(): number {
    return this.#position;
  }

  /**
   * Reads the prompts, all but the last token of the shortest in one forward pass; `step` reads the rest. An empty
   * prompt stands for the end-of-text token (the padding token where there is none).
   * @throws {ShapeError} where the number of prompts, their lengths or a token do not fit
   */
  async prefill(
    prompts: readonly ArrayLike<number>[],
    options: SamplingOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const { signal, ...sampling } = options;
    const { config, tensors } = this.plan;
    const filled = prompts.map((p) => (p.length > 0 ? p : [startToken(config)]));
    this.#checkPrompts(filled);
    checkSampling(sampling);
    const seed = config.hashSeed ?? sampling.seed ?? 0;
    this.prepared.write(tensors.hashControl, packControl({ seed, draw: 0 }));
    await this.prepared.run(RUN.start);
    this.#prompts = filled;
    this.#sampling = sampling;
    const shortest = Math.min(...filled.map((p) => p.length));
    const { count, padded } = prefillLength(config, shortest - 1);
    if (count > 0) await this.#runPrefill(count, padded, signal);
    this.#position = count;
    this.#hashed = config.layers.includes("lsh") && count > 0 && prefillHashes({ config, length: padded });
    this.prepared.write(
      tensors.tokens,
      Uint32Array.from(filled, (p) => p[count] as number),
    );
    filled.forEach((_, row) => void this.#writeSeen(row));
  }

  #checkPrompts(prompts: readonly ArrayLike<number>[]): void {
    const { config, shape } = this.plan;
    if (prompts.length !== shape.batch) {
      throw new ShapeError(
        `${prompts.length} prompts were given to a generator of ${shape.batch} sequences: give one for each`,
        { prompts: prompts.length, batch: shape.batch },
      );
    }
    const longest = Math.max(...prompts.map((p) => p.length));
    if (longest > shape.capacity) {
      throw new ShapeError(
        `the prompt has ${longest} tokens, but this generation holds ${shape.capacity} of the model's ${longestLength(config)} positions: shorten the prompt`,
        { length: longest, capacity: shape.capacity },
      );
    }
    for (const prompt of prompts) {
      for (let i = 0; i < prompt.length; i++) {
        const token = prompt[i] as number;
        if (Number.isInteger(token) && token >= 0 && token < config.vocabSize) continue;
        throw new ShapeError(
          `prompt token ${i} is ${token}, but this model knows tokens 0 to ${config.vocabSize - 1}: encode the prompt with the model's own tokenizer`,
          { token, vocabSize: config.vocabSize },
        );
      }
    }
  }

  async #runPrefill(count: number, padded: number, signal: AbortSignal | undefined): Promise<void> {
    const { batch } = this.plan.shape;
    const held = { bytes: this.gpu.liveBytes, shared: this.prepared.plan };
    const { plan, tokens, keyMask } = await this.planner.plan((given) =>
      planWithin(given, held, (profile) => planPrefill(this.plan, padded, padded !== count, profile)),
    );
    const prepared = await PreparedPlan.create(this.gpu, plan, { shared: this.prepared, signal });
    try {
      const ids = new Uint32Array(batch * padded).fill(fillToken(this.plan.config));
      const mask = new Uint32Array(batch * padded);
      this.#prompts.forEach((prompt, row) => {
        for (let i = 0; i < count; i++) ids[row * padded + i] = prompt[i] as number;
        mask.fill(1, row * padded, row * padded + count);
      });
      prepared.write(tokens, ids);
      if (keyMask) prepared.write(keyMask, mask);
      await prepared.run(0, { signal });
      await prepared.finish();
    } finally {
      prepared.dispose();
    }
  }

  /** Marks the prompt's tokens, and no others, as present. */
  #writeSeen(row: number): void {
    const words = ceilDiv(this.plan.config.vocabSize, 32);
    const seen = new Uint32Array(words);
    for (const token of Array.from(this.#prompts[row] ?? [])) {
      seen[token >>> 5] = (seen[token >>> 5] ?? 0) | (1 << (token & 31));
    }
    this.prepared.write(this.plan.tensors.seen, seen, row * words);
  }

  /**
   * Reads one token per sequence and returns the next ones; undefined where a sequence still reads its prompt.
   * @throws {ShapeError} where the capacity is used up
   */
  async step(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<(number | undefined)[]> {
    return (await this.#steps(1, options))[0] ?? [];
  }

  /** As `step` up to `count` times: a single time as long as a prompt is read. */
  async #steps(
    count: number,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<(number | undefined)[][]> {
    const { tensors, shape } = this.plan;
    if (this.#prompts.length === 0) throw new ConfigError("a step needs a prompt: call prefill first");
    const position = this.#position;
    if (position >= shape.capacity) {
      throw new ShapeError(
        `all ${shape.capacity} positions of this generation are used: start anew with a shorter prompt or a larger capacity`,
        { capacity: shape.capacity },
      );
    }
    const reading = this.#prompts.some((prompt) => prompt.length > position + 1);
    const steps = Array.from(
      { length: reading ? 1 : Math.min(count, GROUP, shape.capacity - position) },
      (_, i) => ({
        control: samplingControl(this.#sampling, position + i),
        hashed: this.#hashedAt(position + i),
      }),
    );
    const chosen = await runSteps(this.prepared, this.plan, steps, options);
    this.#hashed = this.#hashedAt(position + steps.length);
    this.#position = position + steps.length;
    if (!reading) return chosen;
    const tokens = chosen[0]?.map((token, row) => {
      const given = this.#prompts[row]?.[this.#position];
      if (given === undefined) return token;
      this.prepared.write(tensors.tokens, Uint32Array.of(given), row);
      this.#writeSeen(row); // the choice that was thrown away has not occurred
      return undefined;
    });
    return [tokens ?? []];
  }

  /** Whether the step at a position from here on looks keys up by bucket. */
  #hashedAt(position: number): boolean {
    const { config } = this.plan;
    if (this.#hashed || !config.layers.includes("lsh")) return this.#hashed;
    return (
      position > this.#position && position >= Math.max(config.lshChunkLength, config.fullAttentionBelow)
    );
  }

  /**
   * Reads the prompts and writes until every sequence has ended. Steps run in groups, so that tokens come several at a time,
   * at least every 50 ms where a single one does not take longer. Leaving the loop, or aborting, stops after a group.
   * @throws {ShapeError} as `prefill`
   */
  async *generate(
    prompts: readonly ArrayLike<number>[],
    options: GenerateTokensOptions = {},
  ): AsyncGenerator<GeneratedStep, void> {
    const { maxNewTokens = Infinity, stopTokens = [], signal, ...sampling } = options;
    const stops = new Set([...stopTokens, ...endTokens(this.plan.config)]);
    if (!(maxNewTokens >= 0)) {
      throw new ConfigError(`maxNewTokens is ${maxNewTokens}, but must be a number from 0 on`, {
        field: "maxNewTokens",
      });
    }
    if (maxNewTokens === 0) return;
    signal?.throwIfAborted();
    await this.prefill(prompts, { ...sampling, signal });
    const ended: (EndReason | undefined)[] = prompts.map(() => undefined);
    const written = prompts.map(() => 0);
    for (let size = 1; ended.includes(undefined); ) {
      const start = performance.now();
      const group = await this.#steps(Math.min(size, Math.ceil(maxNewTokens - Math.min(...written))), {
        signal,
      });
      size = nextGroup(group.length, performance.now() - start);
      const before = this.#position - group.length;
      for (const [i, chosen] of group.entries()) {
        if (!ended.includes(undefined)) return; // what was written beyond the end
        signal?.throwIfAborted();
        const last = before + i + 1 >= this.plan.shape.capacity;
        const tokens = chosen.map((token, row) => {
          if (token === undefined || ended[row]) return undefined;
          if (stops.has(token)) {
            ended[row] = "stop";
            return undefined;
          }
          written[row] = (written[row] as number) + 1;
          if ((written[row] as number) >= maxNewTokens) ended[row] = "maxNewTokens";
          else if (last) ended[row] = "positions";
          return token;
        });
        yield { tokens, ended: [...ended] };
      }
    }
  }

  /** Frees the caches. Idempotent. */
  dispose(): void {
    this.prepared.dispose();
  }
}

/**
 * Tokens of a prompt that one forward pass can read, and their padded number: all of them unless the padding would go
 * beyond the model's positions.
 */
function prefillLength(config: ReformerConfig, tokens: number): { count: number; padded: number } {
  for (let count = tokens; count > 0; count--) {
    try {
      return { count, padded: paddedLength(config, count) };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
    }
  }
  return { count: 0, padded: 0 };
}
