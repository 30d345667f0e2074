// Runs recorded cases on a device and judges them. Needs only a GPUDevice and a way to read files, so that it runs in
// Node and on a page alike.
import { Gpu } from "../../src/gpu/gpu.js";
import { Random } from "../../src/random.js";
import { withErrorScopes } from "../support/device.js";
import type { Case, CaseEntry, Tolerance } from "./case.js";
import { type Target, target, type Worst, worstOf } from "./compare.js";
import { openCases, type ReadFile } from "./folder.js";
import type { Computed } from "./hashes.js";
import { KINDS } from "./kinds.js";
import type { Quantities } from "./reference/cases.js";
import { REFERENCE } from "./reference/kinds.js";

/**
 * Factor on the recorded tolerances, which are 10 times the rounding noise of f32 on a CPU. WGSL allows exp an error of
 * 3 + 2·|x| ULP and a GPU sums in another order; kinds without exp need less.
 */
export const LOOSENESS: Readonly<Record<string, number>> = {
  lsh_attention: 2,
  local_attention: 2,
  paper_lsh: 2,
  feed_forward: 1,
  embeddings: 1,
  reversible_layer: 2,
  lm: 2,
  mlm: 2,
  classification: 2,
  qa: 2,
  optimizer: 2,
  decode: 2,
  checkpoint: 2,
};

/** Half a step of the fixed-point streams: the error of one residual add. */
const STREAM_ERROR = 2 ** -17;
/**
 * Errors of the streams are propagated to every quantity by drawing them at random in the f64 reference, this many times
 * with this many times their size, and taking the largest change in each tensor.
 */
const SPREAD_DRAWS = 8;
const SPREAD_FACTOR = 4;

/** One column of a case's result. */
export interface Column extends Worst {
  readonly hashed: number;
  readonly flipped: number;
}

export interface CaseResult extends CaseEntry {
  readonly passed: boolean;
  /** False where nothing here repeats cases of this kind: it neither passed nor failed. */
  readonly covered: boolean;
  /** Why it failed, where the columns do not say it. */
  readonly error?: string;
  /** What was compared with, where it is not what was recorded. */
  readonly note?: string;
  readonly f32?: Column;
  /** Absent where no residual stream takes part. */
  readonly int32?: Column;
}

/** How a device's adapter calls itself. */
export function adapterName({ adapterInfo }: GPUDevice): string {
  // Browsers before Chrome 134 have no device.adapterInfo.
  const { vendor = "", architecture = "", device = "", description = "" } = adapterInfo ?? {};
  return [vendor, architecture, device, description].filter((part) => part !== "").join(" ") || "unnamed";
}

/** All cases of a folder in the order of its index, or only those of some kinds or names. */
export async function* runCases(
  device: GPUDevice,
  read: ReadFile,
  options: {
    readonly kinds?: readonly string[] | undefined;
    readonly names?: readonly string[] | undefined;
    /** Heads that attention computes at a time; default all. */
    readonly headGroup?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): AsyncGenerator<CaseResult> {
  const { kinds, names, headGroup, signal } = options;
  const folder = await openCases(read);
  const gpu = new Gpu(device);
  try {
    for (const entry of folder.cases) {
      signal?.throwIfAborted();
      if (kinds && !kinds.includes(entry.kind)) continue;
      if (names && !names.includes(entry.name)) continue;
      if (!Object.hasOwn(KINDS, entry.kind)) {
        yield { ...entry, passed: false, covered: false };
        continue;
      }
      try {
        yield await withErrorScopes(device, async () =>
          judge({ ...(await folder.load(entry)), headGroup }, gpu),
        );
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        yield { ...entry, passed: false, covered: true, error: message };
      }
    }
  } finally {
    gpu.dispose();
  }
}

async function judge(c: Case, gpu: Gpu): Promise<CaseResult> {
  const { name, kind } = c;
  const runner = KINDS[kind];
  const reference = REFERENCE[kind];
  const looseness = LOOSENESS[kind];
  if (!runner || !reference || looseness === undefined) throw new Error(`internal: half a kind ${kind}`);
  const exact = reference(c, { roundLogSumExp: false });
  const rounded = reference(c, { roundLogSumExp: true });
  const targets = (spreads?: Map<string, number>) => targetsOf(c, exact, rounded, looseness, spreads);
  const f32 = column(targets(), await runner.run(c, gpu, false));
  const same = f32.share <= 1 && f32.flipped === 0;
  const note = faulty(c) ? { note: "recorded with faulty counts, compared with the f64 reference here" } : {};
  if (!runner.streams) return { name, kind, passed: same, covered: true, f32, ...note };
  const spreads = spreadsOf(exact, (streamError) => reference(c, { roundLogSumExp: false, streamError }));
  const int32 = column(targets(spreads), await runner.run(c, gpu, true));
  return { name, kind, passed: same && int32.share <= 1, covered: true, f32, int32 };
}

function column(targets: ReadonlyMap<string, Target>, { values, hashed, flipped }: Computed): Column {
  return { ...worstOf(targets, values), hashed, flipped };
}

/**
 * What each recorded quantity should be: the recorded f64 value, else the recorded f32 value less the effect of its
 * log-sum-exp having been rounded to f32, which this project does not do. The f64 reference tells that effect.
 */
function targetsOf(
  c: Case,
  exact: Quantities,
  rounded: Quantities,
  looseness: number,
  spreads?: ReadonlyMap<string, number>,
): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const [key, { data }] of c.tensors) {
    const name = key.slice("expect/".length);
    // What a defect of the recorded implementation gave is recorded as well, and no target.
    if (!key.startsWith("expect/") || name.startsWith("as_shipped/")) continue;
    const tolerance: Tolerance | undefined = c.tolerances[key];
    if (!tolerance) throw new Error(`${c.name} has no tolerance for ${key}`);
    const recorded = c.tensors.get(`f64/${name}`)?.data;
    const values = Float64Array.from(recorded ?? data);
    if (faulty(c)) values.set(exact.get(name) as Float64Array);
    else if (!recorded) {
      const with32 = rounded.get(name);
      exact.get(name)?.forEach((x, i) => {
        values[i] = (values[i] as number) + x - (with32?.[i] as number);
      });
    }
    targets.set(name, target(values, tolerance, looseness, spreads?.get(name) ?? 0));
  }
  return targets;
}

/**
 * The paper's code counted no meeting of a key seen only across the border of two rounds, where it also looked across
 * buckets; one softmax over the candidates is the truth there.
 */
function faulty({ kind, config }: Case): boolean {
  return kind === "paper_lsh" && config.duplicates === "once" && config.acrossBuckets && config.numHashes > 1;
}

/** Largest change of each quantity under random errors of the streams. */
function spreadsOf(
  exact: Quantities,
  compute: (streamError: () => number) => Quantities,
): Map<string, number> {
  const spreads = new Map<string, number>();
  for (let draw = 0; draw < SPREAD_DRAWS; draw++) {
    const random = new Random(draw);
    const disturbed = compute(() => SPREAD_FACTOR * STREAM_ERROR * (2 * random.uniform() - 1));
    for (const [name, values] of disturbed) {
      const undisturbed = exact.get(name) as Float64Array;
      const change = values.reduce(
        (most, x, i) => Math.max(most, Math.abs(x - (undisturbed[i] as number))),
        0,
      );
      spreads.set(name, Math.max(spreads.get(name) ?? 0, change));
    }
  }
  return spreads;
}
