// Which kernels the gradients of attention are recorded with; their results are tested in test/kernels.
import { expect, test } from "vitest";
import type { AttentionDims } from "../../src/layers/chunk-attention.js";
import { recordChunkAttentionBackward } from "../../src/layers/chunk-attention-backward.js";
import { rowsPerSlab } from "../../src/layers/rows.js";
import { Recording } from "../../src/scheduler/recording.js";

const JOINT = ["chunk-attention-backward:joint"];
const APART = ["chunk-attention-backward:dq", "chunk-attention-backward:dk", "chunk-attention-backward:dv"];

/** Dispatches for the gradients of 4 heads of 64, where a binding has so many MiB and some forms do not work. */
function dispatches(
  kind: "local" | "lsh",
  length: number,
  mebibytes: number,
  broken: readonly string[] = [],
) {
  const shared = kind === "lsh";
  const dims: AttentionDims = {
    ...{ batch: 1, heads: 4, length, headSize: 64, rounds: 1 },
    ...{
      chunkLength: 64,
      chunksBefore: 1,
      chunksAfter: 0,
      causal: true,
      shared,
      sorted: shared,
      masked: false,
    },
    ...{ duplicates: "count", acrossBuckets: true, dropout: 0, dropoutRate: 0, site: 0, firstHead: 0 },
  };
  const recording = new Recording();
  const heads = () => recording.tensor("heads", [1, 4, length, 64]);
  const order = shared ? { order: recording.tensor("order", [1, 4, 1, length], "u32") } : { k: heads() };
  const state = {
    out: heads(),
    stats: recording.tensor("stats", [1, 4, length, 2]),
    scale: recording.tensor("scale", [1, 4, length]),
  };
  recordChunkAttentionBackward(
    {
      recording,
      slabRows: (width) => rowsPerSlab(width, mebibytes * 2 ** 20),
      broken: new Set(broken),
    },
    dims,
    { q: heads(), v: heads(), dOut: heads(), ...order, ...state },
  );
  return recording.ops.slice(1).flatMap((op) => (op.op === "dispatch" ? [op] : []));
}

const recorded = (...given: Parameters<typeof dispatches>) =>
  dispatches(...given).map(({ kernel }) => kernel.name);

// At 65,536 tokens dk has 64 MiB.
test.each([
  ["local", 65_536, 128, JOINT],
  ["local", 131_072, 128, APART],
  ["local", 131_072, 256, JOINT],
  ["local", 1_048_576, 2048, JOINT],
  ["lsh", 131_072, 128, JOINT],
] as const)("%s attention over %d tokens, bindings of %d MiB: %j", (kind, length, mebibytes, kernels) => {
  expect(recorded(kind, length, mebibytes)).toEqual(kernels);
});

test("where no form of the one pass works, there are three", () => {
  const [alone, plain] = ["alone", "plain"].map((form) => `${JOINT}/${form}`) as [string, string];
  expect(recorded("lsh", 256, 128, [plain])).toEqual(JOINT);
  expect(recorded("lsh", 256, 128, [alone])).toEqual(JOINT);
  expect(recorded("lsh", 256, 128, [alone, plain])).toEqual(APART);
});

test.each([
  [256, 1],
  [8192, 1],
  [16_384, 2],
  [32_768, 4],
  [65_536, 8],
  [1_048_576, 8],
])("of %d tokens in 4 heads, each owner of gradients has %d chunks of 64", (length, chunksOwned) => {
  expect(dispatches("lsh", length, 4096).map(({ dims }) => dims)).toEqual([
    expect.objectContaining({ chunksOwned }),
  ]);
});
