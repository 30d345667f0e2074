// Whether the kernels of a plan compute rightly on an adapter: drivers exist that compile a kernel and then give other
// numbers. Every pipeline of a kernel that comes in several forms runs a tiny case; a form that fails gives way to the next.
import { SelfTestError, ShaderCompileError } from "../errors.js";
import { adapterName, Gpu } from "../gpu/gpu.js";
import type { Dims, Kernel, Variant } from "../gpu/kernel.js";
import { type DeviceProfile, flatTensors, type Plan, type Planner, plan } from "../scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../scheduler/recording.js";
import { PreparedPlan } from "../scheduler/run.js";
import { formName, usableVariants } from "../scheduler/variants.js";
import type { Answer } from "./answers.js";
import type { SelfTestCase } from "./case.js";
import { caseOf } from "./cases.js";
import { ofHalfBits } from "./halves.js";

/** What is wrong with a pipeline; "" with one that passed. */
type Verdict = "" | "computes wrong values" | "does not compile";

/** Of pipelines, by kind of adapter, form and overrides: devices of a kind take the same forms, and are tested once. */
const VERDICTS = new Map<string, WeakMap<Variant<Dims>, Map<string, Verdict>>>();

/** One pipeline of a plan. */
interface Candidate {
  readonly kernel: Kernel<Dims>;
  readonly variant: Variant<Dims>;
  readonly dims: Dims;
}

/** A form that failed. */
interface Failure extends Candidate {
  readonly verdict: Verdict;
}

export interface TesterOptions {
  /** false: plans are made once, whatever fails. Default true. */
  readonly tested?: boolean | undefined;
  /** Hears which forms failed and what is used instead, a sentence a plan. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** Makes every plan of a model on one device, without the forms that failed there in any of them. */
export class PlanTester implements Planner {
  readonly #tested: boolean;
  readonly #onNotice: ((notice: string) => void) | undefined;
  #profile: DeviceProfile;
  #notices: readonly string[] = [];

  constructor(
    readonly device: GPUDevice,
    given: DeviceProfile,
    { tested = true, onNotice }: TesterOptions = {},
  ) {
    this.#profile = given;
    this.#tested = tested;
    this.#onNotice = onNotice;
  }

  /** The given one, without the forms that have failed. */
  get profile(): DeviceProfile {
    return this.#profile;
  }

  /** All that was noticed so far. */
  get notices(): readonly string[] {
    return this.#notices;
  }

  /**
   * Plans, and plans again as long as a form of the plan fails.
   * @param make is called once for every plan that is tried
   * @throws {SelfTestError} where a kernel fails in every form, and nothing can stand in for it
   */
  async plan<T extends { readonly plan: Plan }>(make: (profile: DeviceProfile) => T): Promise<T> {
    const { device } = this;
    const failures: Failure[] = [];
    for (let planned = make(this.#profile); ; ) {
      const candidates = this.#tested ? candidatesOf(planned.plan) : [];
      const failed = await failedForms(device, candidates, this.#profile);
      if (failed.size === 0) {
        if (failures.length > 0) this.#tell(planned.plan, failures);
        return planned;
      }
      const broken = new Set([...(this.#profile.broken ?? []), ...failed.keys()]);
      this.#profile = { ...this.#profile, broken };
      failures.push(...failed.values());
      try {
        planned = make(this.#profile);
      } catch (error) {
        throw refusal(device, this.#profile, [...failed.values()]) ?? error;
      }
    }
  }

  #tell(plan: Plan, failures: readonly Failure[]): void {
    const told = failures.map(
      ({ verdict, kernel, variant }) =>
        `${formName(kernel, variant)} ${verdict}, ${formsIn(plan, kernel)} is used instead`,
    );
    const notice = `On this adapter (${adapterName(this.device)}) ${told.join("; ")}.`;
    this.#notices = [...this.#notices, notice];
    this.#onNotice?.(notice);
  }
}

/** What is said where a plan needs a kernel of which no form works. */
function refusal(
  device: GPUDevice,
  profile: DeviceProfile,
  failures: readonly Failure[],
): SelfTestError | undefined {
  const last = failures.find(({ kernel, dims }) => usableVariants(kernel, dims, profile).length === 0);
  if (!last) return undefined;
  const [name, adapter] = [formName(last.kernel, last.variant), adapterName(device)];
  return new SelfTestError(
    `This adapter (${adapter}) fails the self-test: ${name} ${last.verdict}, and there is no other form of it. Update the graphics driver, or use another browser or computer.`,
    { kernel: last.kernel.name, form: name, adapter },
  );
}

function candidatesOf({ recordings }: Plan): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const { dispatches } of recordings) {
    for (const { op, variant } of dispatches.values()) {
      if (op.kernel.variants.length < 2) continue;
      const candidate = { kernel: op.kernel, variant, dims: op.dims };
      const key = `${formName(op.kernel, variant)} ${keyOf(candidate)}`;
      if (!found.has(key)) found.set(key, candidate);
    }
  }
  return [...found.values()];
}

/** The forms of a kernel that a plan has, or what it has in their place. */
function formsIn({ recordings }: Plan, kernel: Kernel<Dims>): string {
  const all = recordings.flatMap(({ dispatches }) => [...dispatches.values()]);
  const names = all.flatMap(({ op, variant }) => (op.kernel === kernel ? [formName(kernel, variant)] : []));
  return [...new Set(names)].join(" or ") || "another kernel";
}

const keyOf = ({ variant, dims }: Candidate): string => JSON.stringify(variant.overrides(dims));

async function failedForms(
  device: GPUDevice,
  candidates: readonly Candidate[],
  profile: DeviceProfile,
): Promise<Map<string, Failure>> {
  const kind = adapterName(device);
  const known = VERDICTS.get(kind) ?? new WeakMap<Variant<Dims>, Map<string, Verdict>>();
  VERDICTS.set(kind, known);
  const verdictOf = (one: Candidate) => known.get(one.variant)?.get(keyOf(one));
  const note = (one: Candidate, verdict: Verdict) => {
    const verdicts = known.get(one.variant) ?? new Map<string, Verdict>();
    known.set(one.variant, verdicts.set(keyOf(one), verdict));
  };
  for (;;) {
    const open = candidates.flatMap((one) => {
      const test = verdictOf(one) === undefined ? caseOf(one.kernel, one.variant, one.dims) : undefined;
      return test ? [{ ...one, test }] : [];
    });
    if (open.length === 0) break;
    const gpu = new Gpu(device); // its buffers are none of the model's
    try {
      const wrong = await wrongOnes(gpu, open, profile);
      for (const one of open) note(one, wrong.has(one) ? "computes wrong values" : "");
    } catch (error) {
      const { kernel, variant } = error instanceof ShaderCompileError ? error.details : {};
      const broken = open.filter((one) => one.kernel.name === kernel && one.variant.name === variant);
      if (broken.length === 0) throw error;
      for (const one of broken) note(one, "does not compile");
    } finally {
      gpu.dispose();
    }
  }
  const failed = new Map<string, Failure>();
  for (const one of candidates) {
    const verdict = verdictOf(one);
    if (verdict) failed.set(formName(one.kernel, one.variant), { ...one, verdict });
  }
  return failed;
}

type Open = Candidate & { readonly test: SelfTestCase };

/** Runs cases in one submit, reads their outputs at once, and gives those that are wrong. */
async function wrongOnes(
  gpu: Gpu,
  open: readonly Open[],
  profile: DeviceProfile,
): Promise<ReadonlySet<Open>> {
  const inputs = new Arena("self-test inputs", "state");
  const outputs = new Arena("self-test outputs", "state");
  const recording = new Recording();
  const contents: (readonly [Tensor, Float32Array | Uint32Array | Int32Array])[] = [];
  const results: (readonly [one: Open, name: string, tensor: Tensor])[] = [];
  for (const one of open) {
    const { dims, given, expected } = one.test;
    // Only the form that the plan has.
    const kernel = { ...one.kernel, variants: [one.variant] } as unknown as Kernel<object>;
    const tensors: Record<string, Tensor> = {};
    for (const [name, { access, shape, type = "f32", optional }] of Object.entries(one.kernel.bindings)) {
      const values = given[name];
      if (optional && !values) continue;
      const tensor = (access === "read" ? inputs : outputs).tensor(name, shape(dims[0]), type);
      tensors[name] = tensor;
      contents.push([tensor, values ?? new Uint32Array(tensor.byteLength / 4).fill(NAN_WORD)]);
      if (expected[name]) results.push([one, name, tensor]);
    }
    for (const each of dims) recording.dispatch(kernel, each, tensors);
  }
  const planned = plan([recording], profile, { readbacks: [outputs.byteLength] });
  const prepared = await PreparedPlan.create(gpu, planned);
  for (const [tensor, values] of contents) prepared.write(tensor, values);
  await prepared.run();
  const [whole] = flatTensors(outputs, profile);
  const { buffer } = await prepared.read(whole as Tensor);
  const wrong = results.filter(([{ test }, name, tensor]) => {
    const { values, bounds, halves = false } = test.expected[name] as Answer;
    const Words = { f32: Float32Array, u32: Uint32Array, i32: Int32Array }[tensor.type];
    const bytes = [buffer as ArrayBuffer, tensor.byteOffset] as const;
    const actual = halves
      ? Array.from(new Uint16Array(...bytes, tensor.byteLength / 2), ofHalfBits)
      : new Words(...bytes, tensor.byteLength / 4);
    // NaN is within no bound.
    return !values.every((x, i) => Math.abs((actual[i] as number) - x) <= (bounds[i] as number));
  });
  return new Set(wrong.map(([one]) => one));
}

/** What is in an output before it is written. */
const NAN_WORD = 0x7fc00000;
