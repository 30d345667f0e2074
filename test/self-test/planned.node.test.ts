// The self-test that every plan starts with: what it lets pass, and that it refuses forms that compute something else.
import { describe, expect, test } from "vitest";
import { ACTIVATIONS, resolveConfig } from "../../src/config/config.js";
import { planForward } from "../../src/engine/device.js";
import { SelfTestError } from "../../src/errors.js";
import type { Dims, Variant } from "../../src/gpu/kernel.js";
import { DEFAULT_LIMITS } from "../../src/scheduler/plan.js";
import { usableVariants } from "../../src/scheduler/variants.js";
import { caseOf } from "../../src/self-test/cases.js";
import { PlanTester } from "../../src/self-test/self-test.js";
import type { ReformerOptions } from "../../src/types.js";
import { getDevice } from "../support/device.js";
import { profileOf } from "../support/run-kernel.js";
import { ALL, activatedBy, formsOf, HASH_TWICE, mutated, NORMED, planning } from "./dispatched.js";
import { MUTATIONS } from "./mutations.js";

const hosts = [
  ["a CPU", true],
  ["a GPU", false],
] as const;

describe.each(hosts)("the forms for %s", (_, software) => {
  test("all pass, and are not run again", async () => {
    const device = await getDevice();
    const given = { ...profileOf(device), software };
    const tester = new PlanTester(device, given);
    const planned = await tester.plan(planning(ALL));
    expect(tester.notices).toEqual([]);
    expect(tester.profile).toBe(given);
    expect(formsOf(planned.plan)).toEqual(formsOf(planning(ALL)(given).plan));
    const started = performance.now();
    await tester.plan(planning(ALL));
    console.log(`once known: ${(performance.now() - started).toFixed(1)} ms`);
  });
});

/** The first dispatch of every kernel: what others add, forms share. */
const EACH = new Map([...ALL].reverse().map((one) => [one[0].name, one]));

describe.each([...EACH].reverse())("%s", (_, [kernel, dims]) => {
  test("every form has a case, and passes", async () => {
    const device = await getDevice();
    const given = profileOf(device);
    for (const form of usableVariants(kernel, dims, given)) {
      expect(caseOf(kernel, form, dims), form.name).toBeDefined();
      const asked = { ...given, variants: { [kernel.name]: form.name } };
      const tester = new PlanTester(device, asked);
      const planned = await tester.plan(planning([[kernel, dims]]));
      expect(formsOf(planned.plan)).toEqual([form.name]);
      expect(tester.notices).toEqual([]);
    }
  });
});

test.each(ACTIVATIONS)("products with %s and with its derivative pass", async (activation) => {
  const device = await getDevice();
  const tester = new PlanTester(device, profileOf(device));
  await tester.plan(planning(activatedBy(activation)));
  expect(tester.notices).toEqual([]);
});

test.each(MUTATIONS)(
  "%s: refused, the next form is taken, and it is said",
  async (_, [original, dims], software, text, wrong) => {
    const device = await getDevice();
    const given = { ...profileOf(device), software };
    const { chosen, kernel } = mutated([original, dims], given, text, wrong);
    const heard: string[] = [];
    const tester = new PlanTester(device, given, { onNotice: (notice) => void heard.push(notice) });
    const planned = await tester.plan(planning([[kernel, dims]]));
    const { profile, notices } = tester;
    const [used] = formsOf(planned.plan);
    expect(used).not.toBe(chosen);
    const others = usableVariants(kernel, dims, profile);
    const isExact = ({ rounds = false }: Variant<Dims>) => !rounds;
    expect(others.filter(isExact).length > 0).toBe(others.some((one) => one.name === used && isExact(one)));
    expect([...(profile.broken ?? [])]).toEqual([`${kernel.name}/${chosen}`]);
    expect(notices).toEqual([
      expect.stringContaining(
        `${kernel.name}/${chosen} computes wrong values, ${kernel.name}/${used} is used instead`,
      ),
    ]);
    // It is told once: later plans do without the form.
    expect(formsOf((await tester.plan(planning([[kernel, dims]]))).plan)).toEqual([used]);
    expect(heard).toEqual(notices);
    expect(tester.notices).toEqual(notices);
  },
);

test("a form that does not compile gives way, too", async () => {
  const device = await getDevice();
  const given = { ...profileOf(device), software: true };
  const { chosen, kernel } = mutated(NORMED, given, "fn main(", "fn other(");
  const tester = new PlanTester(device, given);
  await tester.plan(planning([[kernel, NORMED[1]]]));
  expect(tester.notices.join()).toContain(`${kernel.name}/${chosen} does not compile`);
});

test("a kernel without a form that works is refused", async () => {
  const device = await getDevice();
  const given = profileOf(device);
  const { kernel } = mutated(HASH_TWICE, given, "bucket + to_second", "bucket");
  const failing = new PlanTester(device, given).plan(planning([[kernel, HASH_TWICE[1]]]));
  await expect(failing).rejects.toThrow(SelfTestError);
  await expect(failing).rejects.toThrow(/fails the self-test: lsh-hash\/.* no other form/);
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
