// The self-test that every model starts with: what it lets pass, and that it refuses forms that compute something else.
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { planForward } from "../../src/engine/device.js";
import { Engine } from "../../src/engine/engine.js";
import { SelfTestError } from "../../src/errors.js";
import type { Dims, Kernel, Variant } from "../../src/gpu/kernel.js";
import { type ChunkAttentionDims, chunkAttention, oneChunk } from "../../src/kernels/chunk-attention.js";
import {
  chunkAttentionDk,
  chunkAttentionDq,
  chunkAttentionDv,
  chunkAttentionGradients,
} from "../../src/kernels/chunk-attention-backward.js";
import {
  type LayerNormDims,
  layerNorm,
  layerNormBackward,
  layerNormPairBackward,
} from "../../src/kernels/layer-norm.js";
import { matmul, matmulDims, matmulResidual } from "../../src/kernels/matmul.js";
import { DEFAULT_LIMITS, type DeviceProfile, type Plan, plan } from "../../src/scheduler/plan.js";
import { profileOf as engineProfile } from "../../src/scheduler/profile.js";
import { Arena, Recording, type Tensor } from "../../src/scheduler/recording.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import { planTested } from "../../src/self-test/self-test.js";
import type { ReformerOptions } from "../../src/types.js";
import { SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";
import { profileOf } from "../support/run-kernel.js";

type Dispatched = readonly [kernel: Kernel<Dims>, dims: Dims];

const of = <D extends Dims>(kernel: Kernel<D>, dims: NoInfer<D>): Dispatched => [
  kernel as unknown as Kernel<Dims>,
  dims,
];

const LSH: ChunkAttentionDims = {
  ...oneChunk({
    batch: 3,
    heads: 2,
    length: 64,
    headSize: 8,
    causal: true,
    shared: true,
    masked: true,
    dropout: 1,
    dropoutRate: 0.1,
    site: 1,
  }),
  rounds: 2,
  chunkLength: 16,
  chunksBefore: 1,
  sorted: true,
};
const LOCAL: ChunkAttentionDims = {
  ...LSH,
  shared: false,
  sorted: false,
  rounds: 1,
  masked: false,
  dropout: 0,
};
const NORM: LayerNormDims = {
  rows: 64,
  size: 24,
  pair: false,
  eps: 1e-12,
  fixedPoint: true,
  slot: 5,
  rowsPerPart: 4,
};
const accumulate = true;

const PRODUCT = of(matmul, matmulDims({ m: 128, n: 64, k: 64, transposeB: true, bias: true }));
const WEIGHTS = of(matmul, matmulDims({ m: 128, n: 64, k: 64, transposeA: true, store: "add" }));
const FEW = of(matmul, matmulDims({ m: 1, n: 64, k: 64, transposeB: true }));
const RESIDUAL = of(
  matmulResidual,
  matmulDims({ m: 64, n: 64, k: 64, transposeB: true, store: "residualSub", fixedPoint: true }),
);
const ATTENTION = of(chunkAttention, LSH);
const NEARBY = of(chunkAttention, { ...LOCAL, causal: false, chunksAfter: 1 });
const JOINT = of(chunkAttentionGradients, { ...LSH, accumulate });
const DQ = of(chunkAttentionDq, { ...LOCAL, accumulate });
const DK = of(chunkAttentionDk, { ...LOCAL, accumulate });
const DV = of(chunkAttentionDv, { ...LOCAL, accumulate });
const NORMED = of(layerNorm, { ...NORM, pair: true });
const NORM_BACK = of(layerNormBackward, NORM);
const PAIR_BACK = of(layerNormPairBackward, { ...NORM, pair: true });

/** A plan of one dispatch of each. */
const planning = (dispatched: readonly Dispatched[]) => (profile: DeviceProfile) => {
  const recording = new Recording();
  for (const [kernel, dims] of dispatched) {
    const arenas = { read: new Arena("read", "state"), write: new Arena("written", "state") };
    const tensors: Record<string, Tensor> = {};
    for (const [name, { access, shape, type = "f32" }] of Object.entries(kernel.bindings)) {
      tensors[name] = arenas[access === "read" ? "read" : "write"].tensor(name, shape(dims), type);
    }
    recording.dispatch(kernel as unknown as Kernel<object>, dims, tensors);
  }
  return { plan: plan([recording], profile) };
};

const formsOf = ({ recordings }: Plan) =>
  recordings.flatMap(({ dispatches }) => [...dispatches.values()].map(({ variant }) => variant.name));

const hosts = [
  ["a CPU", true],
  ["a GPU", false],
] as const;

describe.each(hosts)("the forms for %s", (_, software) => {
  test("all pass, and are not run again", async () => {
    const device = await getDevice();
    const given = { ...profileOf(device), software };
    const all = [
      PRODUCT,
      WEIGHTS,
      FEW,
      RESIDUAL,
      ATTENTION,
      NEARBY,
      JOINT,
      DQ,
      DK,
      DV,
      NORMED,
      NORM_BACK,
      PAIR_BACK,
    ];
    const { profile, notice, planned } = await planTested(device, given, planning(all));
    expect(notice).toBeUndefined();
    expect(profile).toBe(given);
    expect(formsOf(planned.plan)).toEqual(formsOf(planning(all)(given).plan));
    const started = performance.now();
    await planTested(device, given, planning(all));
    console.log(`once known: ${(performance.now() - started).toFixed(1)} ms`);
  });
});

/** What a driver might make of a kernel: a text of its sources, the first of its kind, is another. */
const MUTATIONS: readonly [
  what: string,
  dispatched: Dispatched,
  software: boolean,
  text: string,
  wrong: string,
][] = [
  ["a product's terms are lost", PRODUCT, true, "k < range.y", "k + 2u < range.y"],
  ["a product's bias is subtracted", PRODUCT, false, "value += bias", "value -= bias"],
  [
    "a transposed operand is read by rows",
    WEIGHTS,
    true,
    "if (TRANSPOSE_A) { return row_part(k",
    "if (false) { return row_part(k",
  ],
  ["a product overwrites what it should add to", WEIGHTS, false, "bitcast<f32>(out[at]) + value", "value"],
  ["a stream is added to, not subtracted from", RESIDUAL, true, ", -value)", ", value)"],
  ["fixed point has other digits", RESIDUAL, false, "STREAM_SCALE = 65536.0", "STREAM_SCALE = 65535.0"],
  ["attention sees the future", ATTENTION, true, "keys > queries", "keys > queries + vec4u(1u)"],
  ["a hidden token is seen", ATTENTION, true, "if (MASKED) {", "if (false) {"],
  ["the window lies elsewhere", NEARBY, true, "(ring - 1u) * before", "ring * before"],
  ["a token attends to itself", ATTENTION, false, "SELF_LOGIT = -1e5", "SELF_LOGIT = 0.0"],
  [
    "the sum of weights is not rescaled",
    ATTENTION,
    true,
    "let shrink0 = l0 * exp(m0 - top0)",
    "let shrink0 = l0",
  ],
  [
    "gradients of another order",
    JOINT,
    true,
    "if (SORTED) { return order_at(",
    "if (SORTED) { return order_at(1u + ",
  ],
  ["rounds overwrite each other", JOINT, true, "params.accumulate", "0u * params.accumulate"],
  ["the gradient of the queries has the other sign", DQ, true, "d_weights - select", "d_weights + select"],
  [
    "gradients of keys from the wrong side",
    DK,
    true,
    "select(CHUNKS_AFTER, CHUNKS_BEFORE,",
    "select(CHUNKS_BEFORE, CHUNKS_AFTER,",
  ],
  [
    "gradients of values from the wrong side",
    DV,
    true,
    "select(CHUNKS_AFTER, CHUNKS_BEFORE,",
    "select(CHUNKS_BEFORE, CHUNKS_AFTER,",
  ],
  [
    "the variance has no mean",
    NORMED,
    true,
    "stream_value(word_at(row, i)) - mean",
    "stream_value(word_at(row, i))",
  ],
  ["a norm leaves columns out", NORMED, false, "i < end; i += LANES", "i + 1u < end; i += LANES"],
  [
    "a stream's gradient is overwritten",
    NORM_BACK,
    true,
    "dx[row * SIZE + column] += value",
    "dx[row * SIZE + column] = value",
  ],
  ["streams change places", PAIR_BACK, true, "column >= SIZE", "column < SIZE"],
];

function mutated([kernel, dims]: Dispatched, profile: DeviceProfile, text: string, wrong: string) {
  const [chosen] = formsOf(planning([[kernel, dims]])(profile).plan);
  const variants = kernel.variants.map((variant): Variant<Dims> => {
    if (variant.name !== chosen) return variant;
    const source = variant.sources.find((each) => each.includes(text));
    if (!source) throw new Error(`${kernel.name}/${chosen} has no "${text}"`);
    return {
      ...variant,
      sources: variant.sources.map((each) => (each === source ? each.replace(text, wrong) : each)),
    };
  });
  return { chosen, kernel: { ...kernel, variants } as unknown as Kernel<Dims> };
}

test.each(MUTATIONS)(
  "%s: refused, the next form is taken, and it is said",
  async (_, [original, dims], software, text, wrong) => {
    const device = await getDevice();
    const given = { ...profileOf(device), software };
    const { chosen, kernel } = mutated([original, dims], given, text, wrong);
    const { planned, profile, notice } = await planTested(device, given, planning([[kernel, dims]]));
    const [used] = formsOf(planned.plan);
    expect(used).not.toBe(chosen);
    expect(kernel.variants.find(({ name }) => name === used)?.rounds ?? false).toBe(false);
    expect([...(profile.broken ?? [])]).toEqual([`${kernel.name}/${chosen}`]);
    expect(notice).toContain(
      `${kernel.name}/${chosen} computes wrong values, ${kernel.name}/${used} is used instead`,
    );
  },
);

test("a form that does not compile gives way, too", async () => {
  const device = await getDevice();
  const given = { ...profileOf(device), software: true };
  const { chosen, kernel } = mutated(NORMED, given, "fn main(", "fn other(");
  const { notice } = await planTested(device, given, planning([[kernel, NORMED[1]]]));
  expect(notice).toContain(`${kernel.name}/${chosen} does not compile`);
});

test("a kernel without a form that works is refused", async () => {
  const device = await getDevice();
  const [kernel, dims] = PRODUCT;
  const sources = (variant: Variant<Dims>) =>
    variant.sources.map((each) => each.replace("value += bias", "value -= bias"));
  const variants = kernel.variants.map((variant) => ({ ...variant, sources: sources(variant) }));
  const broken = { ...kernel, variants } as unknown as Kernel<Dims>;
  const failing = planTested(device, profileOf(device), planning([[broken, dims]]));
  await expect(failing).rejects.toThrow(SelfTestError);
  await expect(failing).rejects.toThrow(/fails the self-test: matmul\/.* no other form/);
});

test.each<[string, ReformerOptions]>([
  ["positions that are no multiple of the chunks", { maxLength: 100 }],
  ["fewer positions than a chunk", { maxLength: 8 }],
  ["fewer positions than chunks of all layers share", { maxLength: 100, lshChunkLength: 60 }],
  ["full attention", { layers: ["full"] }],
  ["two stacks", { head: "sequence-to-sequence", encoderLayers: ["lsh"], eosTokenId: 1, maxLength: 100 }],
  ["no head", { head: "none", causal: false }],
  ["a classifier", { head: "classification", causal: false, numLabels: 3 }],
])("a model can be planned to be tested: %s", (_, options) => {
  const config = resolveConfig({ vocabSize: 64, layers: ["local", "lsh"], ...options });
  const { plan: planned } = planForward(config, DEFAULT_LIMITS);
  expect(formsOf(planned).length).toBeGreaterThan(0);
});

describe("a model on an adapter that computes wrongly", () => {
  /** Runs `body` where the form of a kernel that the device takes is another than it should be. */
  async function withBroken(
    [kernel, dims]: Dispatched,
    [text, wrong]: readonly [string, string],
    body: (broken: string) => Promise<void>,
  ): Promise<void> {
    const profile = engineProfile(await getDevice());
    const right = chooseVariant(kernel, dims, profile);
    const forms = kernel.variants as unknown as Variant<Dims>[];
    const at = forms.indexOf(right);
    forms[at] = mutated([kernel, dims], profile, text, wrong).kernel.variants[at] as Variant<Dims>;
    try {
      await body(`${kernel.name}/${right.name}`);
    } finally {
      forms[at] = right;
    }
  }

  const train = async (options: { readonly selfTest?: boolean } = {}) => {
    const opening: (string | undefined)[] = [];
    const device = await getDevice();
    const engine = await Engine.create(SMALL, {
      device,
      ...options,
      onProgress: ({ notice }) => void opening.push(notice),
    });
    try {
      const steps = [];
      for await (const step of engine.train(TEXT, { ...TRAINING, steps: 2 })) steps.push(step);
      return {
        opening: opening.filter((notice) => notice !== undefined).join(),
        notices: steps.map(({ notice = "" }) => notice),
        losses: steps.map(({ loss }) => loss),
      };
    } finally {
      await engine.dispose();
    }
  };

  test("a form of the forward pass is replaced as the model is made, and training says so, too", async () => {
    const right = await train();
    expect(right).toMatchObject({ opening: "", notices: ["", ""] });
    await withBroken(NORMED, ["i < end; i += LANES", "i + 1u < end; i += LANES"], async (broken) => {
      const { opening, notices, losses } = await train();
      expect(opening).toContain(`${broken} computes wrong values`);
      expect(notices[0]).toContain(`${broken} computes wrong values`);
      expect(notices[1]).toBe("");
      losses.forEach((loss, i) => void expect(loss).toBeCloseTo(right.losses[i] as number, 4));
      const unaware = await train({ selfTest: false });
      expect(unaware).toMatchObject({ opening: "", notices: ["", ""] });
      expect(unaware.losses[0]).not.toBeCloseTo(right.losses[0] as number, 4);
    });
  });

  test("a form of the backward pass is replaced as training begins", async () => {
    await withBroken(
      NORM_BACK,
      ["dx[row * SIZE + column] += value", "dx[row * SIZE + column] = value"],
      async (broken) => {
        const { opening, notices } = await train();
        expect(opening).toBe("");
        expect(notices[0]).toContain(`${broken} computes wrong values`);
      },
    );
  });

  test("the test changes no bit of a model that passes it", async () => {
    expect((await train({ selfTest: false })).losses).toEqual((await train()).losses);
  });
});
