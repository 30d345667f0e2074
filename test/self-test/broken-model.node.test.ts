// Models on an adapter that computes wrongly: they are told of, and go on in other forms.
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import type { Dims, Variant } from "../../src/gpu/kernel.js";
import { profileOf as engineProfile } from "../../src/scheduler/profile.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import type { ProgressEvent, ReformerOptions } from "../../src/types.js";
import { SHORT, SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";
import { type Dispatched, FEW, JOINT, mutated, NORM_BACK, NORMED } from "./dispatched.js";

describe("a model on an adapter that computes wrongly", () => {
  const few = ["if (lane < 4u)", "if (lane < 0u)"] as const;
  const rounds = ["params.accumulate", "0u * params.accumulate"] as const;

  /** Runs `body` where some forms of a kernel are others than they should be: the one that the device takes, or all. */
  async function withBroken(
    [kernel, dims]: Dispatched,
    [text, wrong]: readonly [string, string],
    body: (broken: string) => Promise<void>,
    all = false,
  ): Promise<void> {
    const profile = engineProfile(await getDevice());
    const taken = chooseVariant(kernel, dims, profile);
    const forms = kernel.variants as unknown as Variant<Dims>[];
    const right = [...forms];
    for (const [i, form] of right.entries()) {
      if (form !== taken && !all) continue;
      const asked = { ...profile, variants: { [kernel.name]: form.name } };
      forms[i] = mutated([kernel, dims], asked, text, wrong).kernel.variants[i] as Variant<Dims>;
    }
    try {
      await body(`${kernel.name}/${taken.name}`);
    } finally {
      forms.splice(0, forms.length, ...right);
    }
  }

  /** A model, and the notices that its progress brings. */
  const create = async (model: ReformerOptions, options: { readonly selfTest?: boolean } = {}) => {
    const told: string[] = [];
    const onProgress = ({ notice }: ProgressEvent) => {
      if (notice !== undefined) told.push(notice);
    };
    return {
      engine: await Engine.create(model, { device: await getDevice(), ...options, onProgress }),
      told,
    };
  };

  const train = async (options: { readonly selfTest?: boolean } = {}) => {
    const { engine, told } = await create(SMALL, options);
    try {
      const steps = [];
      for await (const step of engine.train(TEXT, { ...TRAINING, steps: 2 })) steps.push(step);
      return {
        told: told.join(),
        notices: steps.map(({ notice = "" }) => notice),
        losses: steps.map(({ loss }) => loss),
      };
    } finally {
      await engine.dispose();
    }
  };

  test("a form of the forward pass is replaced as the model is made, and training says so, too", async () => {
    const right = await train();
    expect(right).toMatchObject({ told: "", notices: ["", ""] });
    await withBroken(NORMED, ["i < end; i += LANES", "i + 1u < end; i += LANES"], async (broken) => {
      const { told, notices, losses } = await train();
      expect(told).toContain(`${broken} computes wrong values`);
      expect(notices[0]).toContain(`${broken} computes wrong values`);
      expect(notices[1]).toBe("");
      losses.forEach((loss, i) => void expect(loss).toBeCloseTo(right.losses[i] as number, 4));
      const unaware = await train({ selfTest: false });
      expect(unaware).toMatchObject({ told: "", notices: ["", ""] });
      expect(unaware.losses[0]).not.toBeCloseTo(right.losses[0] as number, 4);
    });
  });

  test("a form of the backward pass is replaced as training begins", async () => {
    await withBroken(
      NORM_BACK,
      ["dx[row * SIZE + column] += value", "dx[row * SIZE + column] = value"],
      async (broken) => {
        const { told, notices } = await train();
        expect(told).toContain(`${broken} computes wrong values`);
        expect(notices[0]).toContain(`${broken} computes wrong values`);
      },
    );
  });

  test("where the gradients of attention work in no form, three kernels stand in for one", async () => {
    const right = await train();
    await withBroken(
      JOINT,
      rounds,
      async (broken) => {
        const { notices, losses } = await train();
        expect(notices[0]).toContain(`${broken} computes wrong values, another kernel is used instead`);
        losses.forEach((loss, i) => void expect(loss).toBeCloseTo(right.losses[i] as number, 4));
      },
      true,
    );
  });

  const PAIRS: ReformerOptions = {
    ...SMALL,
    ...{
      head: "sequence-to-sequence",
      layers: ["full", "lsh"],
      encoderLayers: ["full"],
      initializerRange: 0.3,
    },
  };

  test.each<[string, ReformerOptions, (engine: Engine) => Promise<unknown>]>([
    ["writing", SMALL, (engine) => engine.generate("a b", { maxNewTokens: 8, seed: 3 }).text()],
    ["converting", PAIRS, (engine) => engine.convert(["a b"], { maxNewTokens: 8, seed: 3 })],
  ])("a form that only %s runs is replaced as it begins, and it is told", async (_, model, use) => {
    const run = async () => {
      const { engine, told } = await create(model);
      try {
        return { result: await use(engine), told };
      } finally {
        await engine.dispose();
      }
    };
    const right = await run();
    expect(right.told).toEqual([]);
    await withBroken(FEW, few, async (broken) => {
      const { result, told } = await run();
      expect(result).toEqual(right.result);
      expect(told).toEqual([expect.stringContaining(`${broken} computes wrong values`)]);
    });
  });

  test("evidence comes by other kernels where the gradients of attention work in no form", async () => {
    const explained = async () => {
      const { engine, told } = await create({ ...SMALL, initializerRange: 0.3 });
      try {
        return { ...(await engine.explain(SHORT.slice(0, 60))), told };
      } finally {
        await engine.dispose();
      }
    };
    const right = await explained();
    expect(right.told).toEqual([]);
    await withBroken(
      JOINT,
      rounds,
      async (broken) => {
        const { tokens, told } = await explained();
        expect(told).toEqual([
          expect.stringContaining(`${broken} computes wrong values, another kernel is used instead`),
        ]);
        for (const [i, { evidence }] of tokens.entries()) {
          expect(evidence).toBeCloseTo(right.tokens[i]?.evidence as number, 4);
        }
      },
      true,
    );
  });

  test("the test changes no bit of a model that passes it", async () => {
    expect((await train({ selfTest: false })).losses).toEqual((await train()).losses);
  });
});
