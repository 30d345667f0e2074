// Attention computed some heads at a time, against all heads at once: the same buckets, masks and sums.
import { afterAll, describe, expect, test } from "vitest";
import { type LayerKind, resolveConfig } from "../../src/config/config.js";
import { ConfigError } from "../../src/errors.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { addAttention, attentionBackward, attentionState, projections } from "../../src/layers/attention.js";
import { type LayerContext, STATUS_SLOTS } from "../../src/layers/context.js";
import { groupContexts, headGroups } from "../../src/layers/head-groups.js";
import { makeRows, type Rows } from "../../src/layers/rows.js";
import { plan } from "../../src/scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { elements } from "../../src/shapes.js";
import { expectClose, U32 } from "../support/close.js";
import { getDevice } from "../support/device.js";
import { profileOf, type TypedArray } from "../support/run-kernel.js";
import { controlWords, floatWords, normals } from "../support/values.js";

const RATE = 0.2;
const CONFIG = resolveConfig({
  hiddenSize: 32,
  numHeads: 4,
  headSize: 12, // products of more than 8 rows sum in one order, however many heads they are of
  feedForwardSize: 32,
  layers: ["lsh"],
  lshChunkLength: 16,
  localChunkLength: 16,
  numHashes: 2,
  numBuckets: 4,
  maxLength: 64,
  hiddenDropout: RATE,
  lshDropout: RATE,
  localDropout: RATE,
});
const [BATCH, LENGTH] = [2, 64];
const TOKENS = BATCH * LENGTH;
const { hiddenSize: D, numHeads, headSize } = CONFIG;
const NAME = "reformer.encoder.layers.0.attention";

/** One for all models of this file, and with it the compiled pipelines. */
let gpu: Gpu | undefined;
afterAll(() => gpu?.dispose());

/** Forward and backward of one attention block on f32 streams, some heads at a time. */
async function attention(kind: LayerKind, headGroup: number | undefined) {
  const recording = new Recording();
  const contents = new Map<Tensor, TypedArray>();
  const read = new Map<string, Tensor>();
  const tensor = (label: string, data: TypedArray, shape: readonly number[] = [data.length]): Tensor => {
    const type = data instanceof Float32Array ? "f32" : data instanceof Int32Array ? "i32" : "u32";
    const made = new Arena(label, "state").tensor(label, shape, type);
    contents.set(made, data);
    read.set(label, made);
    return made;
  };
  const rows = (label: string, data: TypedArray): Rows =>
    makeRows((name, shape) => tensor(name, data, shape), label, TOKENS, D, TOKENS);
  const parameters = new Map<string, readonly number[]>([
    [`${NAME}.layer_norm.weight`, [D]],
    [`${NAME}.layer_norm.bias`, [D]],
    ...projections(kind).map((p): [string, number[]] => [
      `${NAME}.self_attention.${p}.weight`,
      [numHeads * headSize, D],
    ]),
    [`${NAME}.output.dense.weight`, [D, numHeads * headSize]],
  ]);
  const names = [...parameters.keys()];
  const weights = new Map(
    names.map((name, i) => {
      const shape = parameters.get(name) as readonly number[];
      return [name, tensor(name, normals(elements(shape), 10 + i, 0.3), shape)];
    }),
  );
  const gradients = new Map(
    names.map((name) => {
      const shape = parameters.get(name) as readonly number[];
      return [name, tensor(`gradient of ${name}`, new Float32Array(elements(shape)), shape)];
    }),
  );
  const control = tensor("control", controlWords([7, 11], 3));
  const context: LayerContext = {
    ...{ recording, config: CONFIG, batch: BATCH, length: LENGTH, fixedPoint: false, training: true },
    keyMask: tensor(
      "key mask",
      Uint32Array.from({ length: TOKENS }, (_, i) => Number(i < TOKENS - 9)),
    ),
    ...{ control, hashControl: control },
    status: tensor("status", new Uint32Array(STATUS_SLOTS)),
    weight: (name) => weights.get(name) as Tensor,
    gradient: (name) => gradients.get(name) as Tensor,
    slabRows: () => numHeads * TOKENS, // as many rows of all heads: then groups take the same kernels
    headGroup,
    given: {},
  };
  const x = rows("x2", floatWords(normals(TOKENS * D, 1)));
  const y = rows("y1", floatWords(normals(TOKENS * D, 2)));
  const dOut = rows("dy1", normals(TOKENS * D, 3));
  const dx = rows("dx2", normals(TOKENS * D, 4));
  const groups = groupContexts(context, 0, kind).map((group, i) => {
    const state = attentionState(group, 0, kind, x);
    const { bucketIds } = state.attended.inputs;
    for (const [name, from] of [
      ["out", state.attended.out],
      ["buckets", bucketIds],
    ] as const) {
      if (!from) continue;
      const zeros = new (from.type === "u32" ? Uint32Array : Float32Array)(elements(from.shape));
      recording.copy(from, tensor(`${name} ${i}`, zeros));
    }
    addAttention(group, 0, state, y, "residualAdd");
    attentionBackward(group, 0, kind, state, { x, dOut, dx });
    return group;
  });
  const device = await getDevice();
  gpu ??= new Gpu(device);
  const prepared = await PreparedPlan.create(gpu, plan([recording], profileOf(device)));
  const used = (tensor: Tensor) => prepared.plan.arenas.includes(tensor.arena as Arena);
  for (const [to, data] of contents) if (used(to)) prepared.write(to, data);
  await prepared.run();
  const results: Record<string, TypedArray> = {};
  for (const [name, from] of read) if (used(from)) results[name] = await prepared.read(from);
  prepared.dispose();
  /** [batch, heads, …] of all groups. */
  const ofHeads = (name: string): number[] => {
    const parts = groups.map((_, i) => results[`${name} ${i}`] as TypedArray);
    return Array.from({ length: BATCH }, (_, b) =>
      parts.flatMap((part) => [...part.subarray((b * part.length) / BATCH, ((b + 1) * part.length) / BATCH)]),
    ).flat();
  };
  const floats = (name: string) => new Float32Array((results[name] as TypedArray).slice().buffer);
  return { groups: groups.length, results, ofHeads, y: floats("y1"), dx: floats("dx2") };
}

describe.each([
  ["lsh", [2, 1]],
  ["local", [1]],
] as const)("%s attention", (kind, sizes) => {
  test(`of ${sizes.join(" or ")} of 4 heads at a time is that of all heads`, async () => {
    const all = await attention(kind, undefined);
    const out = all.ofHeads("out");
    const weight = all.results[`${NAME}.output.dense.weight`] as TypedArray;
    const before = normals(TOKENS * D, 2);
    /** Σ|terms| of one element of the output, dropped or not, and of the stream it is added to. */
    const magnitude = (at: number): number => {
      const [token, column] = [Math.floor(at / D), at % D];
      let sum = Math.abs(before[at] as number);
      for (let a = 0; a < numHeads * headSize; a++) {
        const row = Math.floor(token / LENGTH) * numHeads + Math.floor(a / headSize);
        const value = out[(row * LENGTH + (token % LENGTH)) * headSize + (a % headSize)] as number;
        sum += Math.abs(value * (weight[column * numHeads * headSize + a] as number)) / (1 - RATE);
      }
      return sum;
    };
    for (const headGroup of sizes) {
      const grouped = await attention(kind, headGroup);
      expect(grouped.groups).toBe(numHeads / headGroup);
      // What is computed for each head alone is the same to the bit: its buckets, masks, output and weights' gradients.
      expect(grouped.ofHeads("out")).toEqual(out);
      if (kind === "lsh") expect(grouped.ofHeads("buckets")).toEqual(all.ofHeads("buckets"));
      for (const name of [...projections(kind).map((p) => `self_attention.${p}`), "output.dense"]) {
        const gradient = `gradient of ${NAME}.${name}.weight`;
        expect(grouped.results[gradient], gradient).toEqual(all.results[gradient]);
      }
      const terms = numHeads * headSize + 2 * numHeads;
      const why = "sums of the heads' terms in another order: u·n·Σ|terms| on each side";
      expectClose(grouped.y, all.y, { why, at: (i) => 2 * terms * U32 * magnitude(i) }, "y1");
      const ofNorm = ["weight", "bias"].map((part) => {
        const name = `gradient of ${NAME}.layer_norm.${part}`;
        return [name, grouped.results[name] as Float32Array, all.results[name] as Float32Array] as const;
      });
      const sums = [["dx2", grouped.dx, all.dx] as const, ...ofNorm];
      for (const [name, actual, expected] of sums) {
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const roundings = projections(kind).length * terms + TOKENS;
        const bound = roundings * U32 * 16 * largest;
        expectClose(
          actual,
          expected,
          {
            why: `${roundings} roundings of partial sums, which cancellation makes up to 16 times the largest result`,
            at: () => bound,
          },
          name,
        );
      }
    }
  });
});

test("headGroups() are the parts of all heads whose weights can be bound", () => {
  expect(headGroups({ numHeads: 12, headSize: 64, hiddenSize: 768 })).toEqual([6, 4, 3, 2, 1]);
  expect(headGroups({ numHeads: 4, headSize: 4, hiddenSize: 6 })).toEqual([]); // 2 heads: 192 bytes
  expect(headGroups({ numHeads: 1, headSize: 64, hiddenSize: 64 })).toEqual([]);
});

test("groups that are no part of all heads are refused", async () => {
  await expect(attention("lsh", 3)).rejects.toThrow(ConfigError);
});
