// Which variant of a kernel is fastest on a device, by timing them on the shapes of a plan. Timed variants are exact on whole
// numbers, so one that gives another result than the preferred one is broken and left out.
import { GpuOutOfMemoryError, ShaderCompileError } from "../errors.js";
import { adapterName, type Gpu } from "../gpu/gpu.js";
import type { Dims, Kernel } from "../gpu/kernel.js";
import { elements } from "../shapes.js";
import { type DeviceProfile, type Plan, plan } from "./plan.js";
import { ALIGNMENT, Arena, Recording, type Tensor, view } from "./recording.js";
import { PreparedPlan } from "./run.js";
import { chooseVariant, tuningKey, usableVariants } from "./variants.js";

/** Dims that stand for all of their class in a plan, and the variants to choose from, the preferred one first. */
export interface Candidates {
  readonly key: string;
  readonly kernel: Kernel<Dims>;
  readonly dims: Dims;
  readonly variants: readonly string[];
}

/** Times variants of one kernel on one shape. */
export interface Stopwatch {
  /** Variants that work, the preferred one first. */
  readonly variants: readonly string[];
  /** Variants that gave another result than the preferred one, or did not compile. */
  readonly broken: readonly string[];
  /** Milliseconds of `repeats` dispatches in a row. */
  time(variant: string, repeats: number): Promise<number>;
  dispose(): void;
}

/** Milliseconds after which no further shape is timed. */
const BUDGET = 1000;
/** Shortest time that is compared, milliseconds: clocks and submits are coarse. */
const SHORTEST = 5;
const ROUNDS = 3;
/** Share of the preferred variant's time that another must stay below. */
const MARGIN = 0.97;

/** Everything of a plan that can be tuned, the most work first. */
export function candidatesOf({ recordings }: Plan, profile: DeviceProfile): Candidates[] {
  const found = new Map<string, Candidates & { flops: number }>();
  for (const { ops } of recordings) {
    for (const op of ops) {
      if (op.op !== "dispatch") continue;
      const key = tuningKey(op.kernel, op.dims);
      if (key === undefined) continue;
      const { flops } = op.kernel.cost(op.dims);
      const known = found.get(key);
      if (known) known.flops += flops;
      else {
        const { kernel, dims } = op;
        const preferred = chooseVariant(kernel, dims, profile);
        const others = usableVariants(kernel, dims, profile).filter(
          (v) => v !== preferred && !v.rounds && (v.suits?.(dims) ?? true),
        );
        found.set(key, { key, kernel, dims, flops, variants: [preferred, ...others].map((v) => v.name) });
      }
    }
  }
  return [...found.values()].filter((c) => c.variants.length > 1).sort((a, b) => b.flops - a.flops);
}

/**
 * The fastest variant: medians of interleaved rounds of at least 5 ms each. The preferred one, the first, stays unless
 * another is clearly faster.
 */
export async function fastest({ variants, time }: Pick<Stopwatch, "variants" | "time">): Promise<string> {
  const [preferred = ""] = variants;
  if (variants.length < 2) return preferred;
  const repeats = new Map<string, number>();
  for (const variant of variants) {
    let count = 1;
    for (
      let took = await time(variant, 1);
      took < SHORTEST && count < 4096;
      took = await time(variant, count)
    ) {
      count = Math.ceil(count * Math.min(16, (1.2 * SHORTEST) / Math.max(took, 0.01)));
    }
    repeats.set(variant, count);
  }
  const times = new Map<string, number[]>(variants.map((variant) => [variant, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of variants) {
      const count = repeats.get(variant) as number;
      times.get(variant)?.push((await time(variant, count)) / count);
    }
  }
  const median = (variant: string) => times.get(variant)?.sort((a, b) => a - b)[ROUNDS >> 1] as number;
  const best = variants.reduce((a, b) => (median(b) < median(a) ? b : a));
  return median(best) < MARGIN * median(preferred) ? best : preferred;
}

/** What was found on a kind of device, for the next run on it. */
const REMEMBERED = new Map<string, Map<string, string>>();

/** The choices known of the device's kind; new ones are added to it. */
export function rememberedChoices(device: GPUDevice): Map<string, string> {
  const kind = adapterName(device);
  const known = REMEMBERED.get(kind) ?? new Map<string, string>();
  REMEMBERED.set(kind, known);
  return known;
}

/** The variants to use, by `tuningKey`, and what a person should know. */
export interface Tuning {
  readonly tuned: Readonly<Record<string, string>>;
  readonly broken: readonly string[];
}

/**
 * Chooses for a plan: what is remembered, and what can be timed within about a second.
 * @param known remembered choices, whoever remembered them: those that are no candidates do not count
 */
export async function tune(
  planned: Plan,
  profile: DeviceProfile,
  known: Map<string, string>,
  start: (candidates: Candidates) => Promise<Stopwatch>,
  now: () => number = () => performance.now(),
): Promise<Tuning> {
  const tuned: Record<string, string> = {};
  const broken: string[] = [];
  const end = now() + BUDGET;
  for (const candidates of candidatesOf(planned, profile)) {
    const { key, variants } = candidates;
    const remembered = () => variants.find((variant) => variant === known.get(key));
    if (!remembered() && now() < end) {
      const stopwatch = await start(candidates);
      try {
        broken.push(...stopwatch.broken.map((variant) => `${variant} (${key})`));
        known.set(key, await fastest(stopwatch));
      } finally {
        stopwatch.dispose();
      }
    }
    tuned[key] = remembered() ?? (variants[0] as string);
  }
  return { tuned, broken };
}

/** Bytes at the beginning and at the end of an output that are compared. */
const COMPARED = 65_536;

/** Makes stopwatches on a device; each holds the tensors of one dispatch. */
export function stopwatchOn(gpu: Gpu, profile: DeviceProfile) {
  return async ({ key, kernel, dims, variants }: Candidates): Promise<Stopwatch> => {
    const { recordings, inputs, output } = record(kernel, dims);
    const prepared = new Map<string, PreparedPlan>();
    const dispose = () => void [...prepared.values()].reverse().forEach((p) => void p.dispose());
    try {
      let expected: string | undefined;
      for (const variant of variants) {
        const one = plan(recordings, { ...profile, tuned: { [key]: variant } });
        const shared = prepared.get(variants[0] as string);
        const made = await compiled(gpu, one, shared);
        if (!made) continue;
        prepared.set(variant, made);
        if (!shared) for (const tensor of inputs) made.write(tensor, wholeNumbers(tensor));
        await made.run(CLEARED);
        const result = (await Promise.all(ends(output).map((part) => made.read(part)))).join();
        expected ??= result;
        if (result === expected) continue;
        made.dispose();
        prepared.delete(variant);
      }
    } catch (error) {
      dispose();
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      // No room to choose.
      return { variants: variants.slice(0, 1), broken: [], time: async () => 0, dispose: () => undefined };
    }
    const time = async (variant: string, repeats: number): Promise<number> => {
      const one = prepared.get(variant) as PreparedPlan;
      await one.finish();
      const start = performance.now();
      await one.run(Array<number>(repeats).fill(AGAIN), { whole: true }); // submits take time, too
      await one.finish();
      return performance.now() - start;
    };
    const working = [...prepared.keys()];
    const broken = variants.filter((variant) => !prepared.has(variant));
    return { variants: working, broken, time, dispose };
  };
}

/** Order of the recordings of a stopwatch. */
const CLEARED = 0;
const AGAIN = 1;

/** One dispatch on tensors of its own. */
function record(kernel: Kernel<Dims>, dims: Dims) {
  // Kernels only read the first arena and write the second: they are bound together.
  const arenas = { read: new Arena("timed inputs", "workspace"), write: new Arena("timed", "workspace") };
  const tensors: Record<string, Tensor> = {};
  for (const [name, { access, shape, type = "f32" }] of Object.entries(kernel.bindings)) {
    const arena = access === "read" ? arenas.read : arenas.write;
    tensors[name] = arena.tensor(name, shape(dims), type);
  }
  const [first, again] = [new Recording(), new Recording()];
  for (const output of arenas.write.tensors) first.clear(output);
  first.dispatch(kernel as Kernel<object>, dims, tensors);
  again.dispatch(kernel as Kernel<object>, dims, tensors);
  const [output] = arenas.write.tensors;
  return { recordings: [first, again], inputs: arenas.read.tensors, output: output as Tensor };
}

/** Undefined where the variant does not compile here and another one does. */
async function compiled(
  gpu: Gpu,
  planned: Plan,
  shared: PreparedPlan | undefined,
): Promise<PreparedPlan | undefined> {
  try {
    return await PreparedPlan.create(gpu, planned, { shared });
  } catch (error) {
    if (shared && error instanceof ShaderCompileError) return undefined;
    throw error;
  }
}

/** -1, 0 and 1 without a pattern: every order of summation gives the same sums, exactly. */
function wholeNumbers({ shape, type }: Tensor): Float32Array | Uint32Array {
  const count = elements(shape);
  const number = (i: number) => ((Math.imul(i + 1, 0x9e3779b1) >>> 16) % 3) - 1;
  if (type !== "f32") return new Uint32Array(count).fill(1);
  return Float32Array.from({ length: count }, (_, i) => number(i));
}

function ends(output: Tensor): Tensor[] {
  const count = elements(output.shape);
  const most = COMPARED / 4;
  if (count <= 2 * most) return [output];
  const last = Math.floor((count - most) / (ALIGNMENT / 4)) * (ALIGNMENT / 4);
  return [view(output, 0, [most]), view(output, last, [count - last])];
}
