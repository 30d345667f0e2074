// Models on an adapter that computes wrongly: they are told of, and go on in other forms.
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import type { Dims, Variant } from "../../src/gpu/kernel.js";
import { profileOf as engineProfile } from "../../src/scheduler/profile.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import { SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";
import { type Dispatched, FEW, JOINT, mutated, NORM_BACK, NORMED } from "./dispatched.js";

describe("a model on an adapter that computes wrongly", () => {
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

  test("where the gradients of attention work in no form, three kernels stand in for one", async () => {
    const right = await train();
    const rounds = ["params.accumulate", "0u * params.accumulate"] as const;
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

  test("a form that only writing runs is replaced as it begins", async () => {
    const write = async () => {
      const engine = await Engine.create(SMALL, { device: await getDevice() });
      try {
        let all = "";
        for await (const { text } of engine.generate("a b", { maxNewTokens: 8, seed: 3 })) all += text;
        return all;
      } finally {
        await engine.dispose();
      }
    };
    const right = await write();
    expect(right).not.toBe("");
    await withBroken(FEW, ["if (lane < 4u)", "if (lane < 0u)"], async () => {
      expect(await write()).toBe(right);
    });
  });

  test("the test changes no bit of a model that passes it", async () => {
    expect((await train({ selfTest: false })).losses).toEqual((await train()).losses);
  });
});
