// How many dispatches a layer takes: each costs a fixed time on every device, so that the number may not creep up.
import { describe, expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { parameterArena } from "../../src/model/memory.js";
import { DEFAULT_LIMITS, type DeviceProfile, type Plan } from "../../src/scheduler/plan.js";
import { planTraining, RUN } from "../../src/train/recordings.js";
import type { TrainOptions } from "../../src/types.js";

/** Long enough that gradients of weights are sums of parts. */
const LENGTH = 4096;
const OPTIONS: ReformerOptions = {
  vocabSize: 256,
  hiddenSize: 64,
  numHeads: 2,
  headSize: 32,
  feedForwardSize: 256,
  layers: ["local", "lsh", "full"],
  numHashes: 4,
  numBuckets: 128,
  maxLength: LENGTH,
  feedForwardChunk: LENGTH,
};

/** What is recorded for a batch. */
function batchOf(
  options: ReformerOptions = {},
  train: Partial<TrainOptions> = {},
  device: Partial<DeviceProfile> = {},
) {
  const config = resolveConfig({ ...OPTIONS, ...options });
  const { shape } = resolveTrainOptions(config, { steps: 1, length: LENGTH, ...train });
  const profile = { ...DEFAULT_LIMITS, ...device };
  const { plan } = planTraining(config, shape, parameterArena(config, "weights", "weights"), profile);
  return plan.recordings[RUN.batch] as Plan["recordings"][number];
}

/** Kernels of every layer's forward and backward, in order. */
function kernelsOf(...given: Parameters<typeof batchOf>) {
  const kernels: Record<string, string[]> = {};
  for (const op of batchOf(...given).ops) {
    const [layer = "", way = ""] = op.label.split(".");
    const name = way === "backward" ? `${layer} backward` : layer;
    if (op.op !== "dispatch" || !layer.startsWith("layer")) continue;
    kernels[name] = [...(kernels[name] ?? []), op.kernel.name];
  }
  return kernels;
}

/** Equal kernels in a row become one entry, with their number. */
function runsOf(kernels: readonly string[]): string[] {
  const starts = kernels.flatMap((kernel, i) => (kernel === kernels[i - 1] ? [] : [i]));
  return starts.map((start, i) => `${(starts[i + 1] ?? kernels.length) - start} ${kernels[start]}`);
}

const PROJECT_QV = ["1 layer-norm", "1 matmul:pair"];
const HASH_AND_SORT = ["1 rotations", "1 lsh-hash", "1 bucket-sort:scatter"];
const ATTEND = ["4 chunk-attention", "1 matmul:residual"];
const FEED_FORWARD = ["1 layer-norm", "1 matmul:keep", "1 matmul:residual"];
/** Sums of the bias's gradient, product of the weight's, and both added up. */
const DENSE_GRADIENTS = ["1 reduce:column-sums", "1 matmul", "1 reduce"];

test("an LSH layer of 4 rounds takes 13 dispatches forward and 36 backward", () => {
  const { layer1 = [], "layer1 backward": backward = [] } = kernelsOf();
  const attention = [...PROJECT_QV, ...HASH_AND_SORT, ...ATTEND];
  expect(runsOf(layer1)).toEqual([...attention, ...FEED_FORWARD]);
  expect(runsOf(backward)).toEqual([
    ...FEED_FORWARD, // taken away again
    ...DENSE_GRADIENTS,
    "1 matmul", // through W2 and the activation
    "1 reduce:column-sums",
    "2 matmul", // of W1, and through it
    "1 layer-norm:backward",
    "1 reduce",
    ...attention,
    "1 matmul", // of Wo
    "1 reduce",
    "1 matmul", // through Wo
    "1 attention-delta",
    "4 chunk-attention-backward:joint",
    "4 matmul", // of query-key and value, and through both
    "1 layer-norm:backward",
    "1 reduce",
  ]);
  expect([layer1.length, backward.length]).toEqual([13, 36]);
});

const RELU: ReformerOptions = { activation: "relu" };
/** More tokens than a tile of the sort holds, and more than its places of 16 bits. */
const longer = (length: number) => ({ maxLength: length, feedForwardChunk: length });
const DROPOUT: ReformerOptions = { hiddenDropout: 0.1, lshDropout: 0.1, localDropout: 0.1 };
test.each([
  ["without dropout", {}, {}, { local: [9, 31], lsh: [13, 36], full: [9, 33] }],
  ["ReLU", RELU, {}, { local: [9, 31], lsh: [13, 36], full: [9, 33] }],
  ["dropout: two masks of gradients", DROPOUT, {}, { local: [9, 33], lsh: [13, 38], full: [9, 35] }],
  ["8,192 tokens", longer(8192), { length: 8192 }, { local: [9, 31], lsh: [14, 37], full: [9, 33] }],
  ["65,536 tokens", longer(65_536), { length: 65_536 }, { local: [9, 31], lsh: [14, 37], full: [9, 33] }],
  ["131,072 tokens", longer(131_072), { length: 131_072 }, { local: [9, 31], lsh: [15, 38], full: [9, 33] }],
  ["stored activations", {}, { backward: "stored" }, { local: [9, 22], lsh: [13, 23], full: [9, 24] }],
] as const)("dispatches forward and backward, %s", (_why, options, train, expected) => {
  const kernels = kernelsOf(options, train);
  const counts = OPTIONS.layers?.map((kind, layer) => [
    kind,
    [kernels[`layer${layer}`]?.length, kernels[`layer${layer} backward`]?.length],
  ]);
  expect(Object.fromEntries(counts ?? [])).toEqual(expected);
});

describe("one head at a time", () => {
  const oneHead = { headGroup: 1 };

  test("stored activations: the backward hashes nothing and copies no part of rotations", () => {
    const { ops } = batchOf({}, { backward: "stored" }, oneHead);
    const backward = ops.filter(({ label }) => label.startsWith("layer1.backward"));
    const kernels = backward.flatMap((op) => (op.op === "dispatch" ? [op.kernel.name] : []));
    expect(kernels).toContain("chunk-attention-backward:joint");
    expect(kernels).not.toContain("rotations");
    expect(backward.filter(({ op }) => op === "copy")).toEqual([]);
  });

  test.each(["local", "lsh", "full"] as const)("%s: the groups run in the same pipelines", (kind) => {
    const { ops, dispatches } = batchOf({ layers: [kind], ...DROPOUT }, {}, oneHead);
    for (const part of [`layer0.${kind}.`, `layer0.backward.${kind}.`]) {
      const pipelines = ops.flatMap((op) => {
        if (op.op !== "dispatch" || !op.label.startsWith(part) || op.kernel.name === "rotations") return [];
        const variant = dispatches.get(op)?.variant;
        return [`${op.kernel.name}/${variant?.name} ${JSON.stringify(variant?.overrides(op.dims))}`];
      });
      // Every group begins by normalising, and does so as often as the other one.
      const norms = pipelines.flatMap((name, i) => (name.startsWith("layer-norm/") ? [i] : []));
      const second = norms[norms.length / 2];
      expect(second).toBeGreaterThan(0);
      expect(new Set(pipelines.slice(second))).toEqual(new Set(pipelines.slice(0, second)));
    }
  });
});
