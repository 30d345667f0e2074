// A recorded generation, repeated with the project's prompt and step recordings: tokens fed one at a time, bucket ids as
// recorded, logits and every layer's normed inputs read after each step.
import { fillToken } from "../../src/config/config.js";
import { inferenceContext, recordPrefill, recordStep, stepTensors } from "../../src/generate/recordings.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { listBlocks, listShape } from "../../src/kernels/decode-insert.js";
import type { LayerContext } from "../../src/layers/context.js";
import type { NormedProbe } from "../../src/layers/decode.js";
import { type DecodeCache, decodeCache } from "../../src/layers/decode-cache.js";
import { finalStates, logitsOf } from "../../src/layers/head.js";
import { linear } from "../../src/layers/linear.js";
import { ranges, slice } from "../../src/layers/rows.js";
import { packControl } from "../../src/model/control.js";
import { parameterArena, streamPair } from "../../src/model/memory.js";
import { plan } from "../../src/scheduler/plan.js";
import { Arena, type Tensor, view } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { writeLists } from "../oracle/decode-insert.js";
import { profileOf } from "../support/run-kernel.js";
import { type Case, padRows, parametersOf } from "./case.js";
import { cachedIds, columnsOf, type DecodeCall, decodeCall, decodeHash, tokensAt } from "./decode-case.js";
import { type Computed, dispatchHash } from "./hashes.js";
import { realRows } from "./reference/cases.js";

/** Order of the recordings. */
const RUN = { prompt: 0, dense: 1, hashed: 2 } as const;

/** What is read after a forward pass of `length` tokens per sequence, by layer. */
interface Probed {
  readonly length: number;
  /** f32 [batch · length, hiddenSize]. */
  readonly states: ReadonlyMap<number, Tensor>;
  /** LSH layers: rotations to hash with, and the ids they give, u32 [batch, heads, rounds, length]. */
  readonly hashes: ReadonlyMap<number, { readonly rotations: Tensor; readonly computed: Tensor }>;
}

function own(label: string, count: number, type: "f32" | "u32" = "f32"): Tensor {
  return new Arena(label, "state").tensor(label, [count], type);
}

function probedTensors(c: Case, { batch }: DecodeCall, length: number, label: string): Probed {
  const { layers, hiddenSize, numHeads, numHashes } = c.config;
  const states = new Map<number, Tensor>();
  const hashes = new Map<number, { rotations: Tensor; computed: Tensor }>();
  layers.forEach((kind, layer) => {
    states.set(layer, own(`${label} states ${layer}`, batch * length * hiddenSize));
    const hash = kind === "lsh" ? decodeHash(c, decodeCall(c), layer, 0) : undefined;
    if (!hash) return;
    hashes.set(layer, {
      rotations: own(`${label} rotations ${layer}`, hash.rotations.length),
      computed: own(`${label} ids ${layer}`, batch * numHeads * numHashes * length, "u32"),
    });
  });
  return { length, states, hashes };
}

/** Keeps what the projections see, and hashes it once more beside the run. */
function probeOf(c: Case, context: LayerContext, { states, hashes }: Probed): NormedProbe {
  const { recording, config, batch, length, weight } = context;
  return (layer, normed) => {
    const kept = states.get(layer) as Tensor;
    const hash = hashes.get(layer);
    const recorded = decodeHash(c, decodeCall(c), layer, 0);
    const qk = hash && recording.tensor("hashed queries", [batch, config.numHeads, length, config.headSize]);
    for (const { start, count } of ranges([normed])) {
      const x = slice(normed, start, count);
      recording.copy(x, view(kept, start * config.hiddenSize, [count, config.hiddenSize]));
      if (!qk) continue;
      const name = `reformer.encoder.layers.${layer}.attention.self_attention.query_key.weight`;
      const dims = { m: count, n: config.numHeads * config.headSize, k: config.hiddenSize, cHeads: true };
      linear(context, { x, weight: weight(name), out: qk }, { ...dims, rowOffset: start });
    }
    if (hash && qk && recorded) {
      dispatchHash(context, recorded, { qk, rotations: hash.rotations, buckets: hash.computed });
    }
  };
}

/** A cache with lists for all recorded buckets: after a padded prompt the public model may go on in that of padding. */
function cacheOf(c: Case, call: DecodeCall, capacity: number): DecodeCache {
  const cache = decodeCache(c.config, call.batch, capacity);
  const layers = cache.layers.map((of, layer) => {
    const recorded = of.buckets && cachedIds(c, call, layer);
    if (!of.buckets || !recorded) return of;
    const { rows } = of.buckets.sizes;
    const buckets = Math.max(of.buckets.sizes.buckets, 1 + recorded.reduce((a, b) => Math.max(a, b), 0));
    const sizes = { rows, buckets, blocks: listBlocks(buckets, capacity) };
    const lists = new Arena(`lists ${layer}`, "state").tensor("lists", listShape(sizes), "u32");
    return { ...of, buckets: { ...of.buckets, sizes, lists } };
  });
  return { ...cache, layers };
}

/** Logits of the prompt and of every step, and the cached inputs of every layer. */
export async function decodeCase(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const { config } = c;
  const call = decodeCall(c);
  const { batch, prompt, steps, shape } = call;
  const { hiddenSize: E, vocabSize: V, numHeads, numHashes } = config;
  const capacity = prompt + steps;
  const profile = profileOf(gpu.device);
  const streams = fixedPoint ? "int32" : "f32";
  const weights = parameterArena(config, "weights", "weights");
  const cache = cacheOf(c, call, capacity);
  const tensors = stepTensors(config, batch);
  const contextFor = (length: number) =>
    inferenceContext(config, { batch, length, streams }, weights, tensors, profile, cache);
  const pair = (name: string, tokens: number) =>
    streamPair(config, [`${name} x1`, `${name} x2`], tokens, profile.maxStorageBufferBindingSize, "i32");

  const rows = batch * shape.padded;
  const reading = probedTensors(c, call, shape.padded, "prompt");
  const promptTokens = own("prompt tokens", rows, "u32");
  const promptLogits = own("prompt logits", rows * V);
  const keyMask = shape.keyMask && own("key mask", rows, "u32");
  const promptIds = new Map<number, { readonly tensor: Tensor; readonly ids: Uint32Array }>();
  const cached = new Map<number, { readonly tensor: Tensor; readonly ids: Uint32Array }>();
  config.layers.forEach((kind, layer) => {
    const hash = kind === "lsh" ? decodeHash(c, call, layer, 0) : undefined;
    if (hash?.tokens === shape.padded) {
      promptIds.set(layer, { tensor: own(`prompt buckets ${layer}`, hash.ids.length, "u32"), ids: hash.ids });
    }
    const ids = cachedIds(c, call, layer);
    if (ids)
      cached.set(layer, { tensor: own(`next ids ${layer}`, batch * numHeads * numHashes, "u32"), ids });
  });
  const given = { buckets: new Map([...promptIds].map(([layer, { tensor }]) => [layer, tensor])) };

  const base = contextFor(shape.padded);
  const read = { ...base, keyMask, given: { ...base.given, ...given } };
  const promptStreams = pair("prompt", rows);
  recordPrefill(read, promptTokens, promptStreams, cache, probeOf(c, read, reading));
  logitsOf(read, finalStates(read, promptStreams, 0, rows), rows, promptLogits);

  const stepping = probedTensors(c, call, 1, "step");
  const stepStreams = pair("step", batch);
  const givenIds = new Map([...cached].map(([layer, { tensor }]) => [layer, tensor]));
  const stepRecording = (hashed: boolean) => {
    const context = contextFor(1);
    const options = { hashed, shortened: true, givenIds, probe: probeOf(c, context, stepping) };
    recordStep(context, tensors, stepStreams, cache, options);
    return context.recording;
  };
  const recordings = [read.recording, stepRecording(false), stepRecording(true)];
  const prepared = await PreparedPlan.create(gpu, plan(recordings, profile));

  const out = new Map<string, ArrayLike<number>>();
  const states = config.layers.map(() => new Float32Array(batch * capacity * E));
  let hashed = 0;
  let flipped = 0;
  try {
    for (const [name, { data }] of parametersOf(c))
      prepared.write(weights.get(name), Float32Array.from(data));
    prepared.write(
      promptTokens,
      Uint32Array.from(padRows(tokensAt(c, call, 0, prompt), shape, fillToken(config))),
    );
    if (keyMask && shape.keyMask) prepared.write(keyMask, shape.keyMask);
    for (const { tensor, ids } of promptIds.values()) prepared.write(tensor, ids);
    writeRotations(reading, 0);
    prepared.write(tensors.control, packControl({ seed: 0, draw: 0 }));
    await prepared.run(RUN.prompt);
    out.set("prompt_logits", realRows((await prepared.read(promptLogits)) as Float32Array, shape, V));
    await collect(reading, 0, prompt);
    for (const [layer, { ids }] of cached) writeCache(layer, ids);

    const stepLogits = new Float32Array(batch * steps * V);
    for (let step = 0; step < steps; step++) {
      const position = prompt + step;
      prepared.write(tensors.tokens, Uint32Array.from(tokensAt(c, call, position, 1)));
      prepared.write(tensors.control, packControl({ seed: 0, draw: position, position }));
      for (const { tensor, ids } of cached.values())
        prepared.write(tensor, columnsOf(ids, capacity, position, 1));
      writeRotations(stepping, step + 1);
      await prepared.run(position < call.hashedFrom ? RUN.dense : RUN.hashed);
      const logits = (await prepared.read(tensors.logits)) as Float32Array;
      for (let row = 0; row < batch; row++) {
        stepLogits.set(logits.subarray(row * V, (row + 1) * V), (row * steps + step) * V);
      }
      await collect(stepping, position, 1);
    }
    out.set("step_logits", stepLogits);
  } finally {
    prepared.dispose();
  }
  states.forEach((all, layer) => void out.set(`cache/${layer}/states`, all));
  return { values: out, hashed, flipped };

  function writeRotations({ hashes }: Probed, forward: number): void {
    for (const [layer, { rotations }] of hashes) {
      const hash = decodeHash(c, call, layer, forward);
      if (hash) prepared.write(rotations, hash.rotations);
    }
  }

  /** The cache after the prompt, as recorded: the tokens of every round by bucket. */
  function writeCache(layer: number, recorded: Uint32Array): void {
    const buckets = cache.layers[layer]?.buckets;
    if (!buckets) return;
    const { lists, sizes } = buckets;
    const width = listShape(sizes)[1];
    for (let row = 0; row < sizes.rows; row++) {
      const own = recorded.subarray(row * capacity, row * capacity + prompt);
      prepared.write(lists, writeLists([...own], sizes), row * width);
    }
  }

  /** Reads the normed inputs and the computed ids of `count` tokens from position `first` on. */
  async function collect(
    { length, states: kept, hashes }: Probed,
    first: number,
    count: number,
  ): Promise<void> {
    for (const [layer, tensor] of kept) {
      const normed = (await prepared.read(tensor)) as Float32Array;
      for (let row = 0; row < batch; row++) {
        const from = row * length * E;
        states[layer]?.set(normed.subarray(from, from + count * E), (row * capacity + first) * E);
      }
    }
    for (const [layer, { computed }] of hashes) {
      const forward = first === 0 ? 0 : first - prompt + 1;
      const hash = decodeHash(c, call, layer, forward) as NonNullable<ReturnType<typeof decodeHash>>;
      const got = columnsOf((await prepared.read(computed)) as Uint32Array, length, 0, count);
      const at = hash.tokens === 1 ? 0 : first;
      columnsOf(hash.ids, hash.tokens, at, count).forEach((id, i) => {
        hashed++;
        flipped += Number(got[i] !== id);
      });
    }
  }
}
