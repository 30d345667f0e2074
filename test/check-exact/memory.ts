// Is the memory that is planned the memory that is used, and does it not grow with depth?
import { planMemory } from "../../src/plan-memory.js";
import type { MemoryUse } from "../../src/types.js";
import { alternating, type Check, count, fits, type MeasuredRun, MODEL, measureRun, SHAPE } from "./check.js";
import type { ProcessMemory } from "./process-memory.js";

const DEPTHS = [2, 24] as const;

/** Categories of the plan, by the labels under which buffers are made. */
const CATEGORY_OF: readonly (readonly [label: RegExp, category: keyof MemoryUse])[] = [
  [/^weights/, "weights"],
  [/^gradients/, "gradients"],
  [/^(moments|variances|block flags)/, "optimizer"],
  [/^d?x[12]/, "streams"],
  [/^(workspace|zero)/, "workspace"],
  [/^(inputs|outputs|results|readback)/, "state"],
  [/^dispatch parameters/, "dispatch parameters"],
];
/** What may grow with depth. */
const GROWING: readonly string[] = ["weights", "gradients", "optimizer", "dispatch parameters"];

function byCategory({ peak }: MeasuredRun): Map<string, number> {
  const sums = new Map<string, number>(CATEGORY_OF.map(([, category]) => [category, 0]));
  for (const [label, bytes] of peak.byLabel) {
    const found = CATEGORY_OF.find(([pattern]) => pattern.test(label));
    if (!found) throw new Error(`a buffer labelled "${label}" belongs to no category`);
    sums.set(found[1], (sums.get(found[1]) ?? 0) + bytes);
  }
  return sums;
}

function plannedCheck(name: string, run: MeasuredRun): Check {
  const { planned, peak, left } = run;
  return {
    name: "(d) planned = measured",
    passed: fits(run),
    measured: `${name}: planned ${count(planned.total)} bytes, peak of buffers ${count(peak.total)}, left after dispose ${left}`,
  };
}

/** (d) and (f): a training run with evaluation and checkpoint, at both depths, and one of every other kind. */
export async function checkMemory(device: GPUDevice, text: string): Promise<Check[]> {
  const training = { ...SHAPE, steps: 2, evaluateEvery: 1, evaluateTokens: SHAPE.length } as const;
  const measure = (depth: number, backward: "reversible" | "stored") =>
    measureRun(device, { ...MODEL, layers: alternating(depth) }, text, { ...training, backward });
  const shallow = await measure(DEPTHS[0], "reversible");
  const deep = await measure(DEPTHS[1], "reversible");
  const stored = await measure(DEPTHS[0], "stored");
  return [
    plannedCheck(`${DEPTHS[0]} layers, reversible`, shallow),
    plannedCheck(`${DEPTHS[1]} layers, reversible`, deep),
    plannedCheck(`${DEPTHS[0]} layers, stored`, stored),
    depthCheck(shallow, deep),
  ];
}

function depthCheck(shallow: MeasuredRun, deep: MeasuredRun): Check {
  const [before, after] = [byCategory(shallow), byCategory(deep)];
  const rows = [...before].map(([category, bytes]) => {
    const more = (after.get(category) ?? 0) - bytes;
    const asPlanned =
      bytes === shallow.planned[category as keyof MemoryUse] &&
      after.get(category) === deep.planned[category as keyof MemoryUse];
    return {
      category,
      bytes,
      more,
      right: asPlanned && (GROWING.includes(category) ? more > 0 : more === 0),
    };
  });
  const grown = deep.peak.total - shallow.peak.total;
  const explained = rows.reduce(
    (sum, { category, more }) => sum + (GROWING.includes(category) ? more : 0),
    0,
  );
  return {
    name: "(f) depth",
    passed: rows.every(({ right }) => right) && grown === explained && fits(shallow) && fits(deep),
    measured: `${DEPTHS[0]} against ${DEPTHS[1]} layers: peak grows by ${count(grown)} bytes, ${count(explained)} of them ${GROWING.join(", ")}`,
    details: rows.map(
      ({ category, bytes, more, right }) =>
        `${category.padEnd(20)}${count(bytes).padStart(12)}${`+${count(more)}`.padStart(12)}${right ? "" : "  WRONG"}`,
    ),
  };
}

/**
 * Bytes per token that a reversible step needs where all heads run at once and everything is stored in f32:
 * 16d + d·s + 4d + g·(e(2s + 20) + 24 + 4R) + 8 with s = 4, for the streams and their gradients, the normalised rows
 * and their gradients, and for each head its projections, output, gradients, statistics and order.
 */
export function bytesPerTokenTarget(config: {
  readonly hiddenSize: number;
  readonly numHeads: number;
  readonly headSize: number;
  readonly numHashes: number;
}): number {
  const { hiddenSize: d, numHeads: g, headSize: e, numHashes } = config;
  const s = 4;
  return 16 * d + d * s + 4 * d + g * (e * (2 * s + 20) + 24 + 4 * numHashes) + 8;
}

/** Shapes of the design's table, of which only the plan is made: d, heads, head size, inner width; R = 4. */
const PLANNED = [
  [256, 4, 64, 1024],
  [512, 8, 64, 2048],
  [1024, 8, 128, 4096],
] as const;
/** What a large GPU allows; at WebGPU's default of 128 MiB per binding, long sequences come in slabs. */
const LARGE_LIMITS = { maxBufferSize: 2 ** 36, maxStorageBufferBindingSize: 2 ** 36 } as GPUSupportedLimits;

function plannedBytesPerToken([hiddenSize, numHeads, headSize, feedForwardSize]: (typeof PLANNED)[number]) {
  const config = { hiddenSize, numHeads, headSize, feedForwardSize, numHashes: 4, maxLength: 2 ** 20 };
  const bytesAt = (length: number) =>
    planMemory({ ...config, layers: alternating(6) }, { length }, LARGE_LIMITS).total;
  const [short, long] = [2 ** 16, 2 ** 17];
  return { planned: (bytesAt(long) - bytesAt(short)) / (long - short), target: bytesPerTokenTarget(config) };
}

/** (d) at two lengths, where the parts that do not grow with length cancel. */
export function checkBytesPerToken({ config, short, long }: ProcessMemory): Check[] {
  const measured = (long.peak - short.peak) / (long.length - short.length);
  const target = bytesPerTokenTarget(config);
  const sized = ({ length, planned, peak, left }: ProcessMemory["long"]): Check => ({
    name: "(d) planned = measured",
    passed: planned === peak && left === 0,
    measured: `1 layer, ${count(length)} tokens: planned ${count(planned)} bytes, peak of buffers ${count(peak)}, left after dispose ${left}`,
  });
  const planned = PLANNED.map((shape) => ({ shape, ...plannedBytesPerToken(shape) }));
  const { hiddenSize, numHeads, headSize, numHashes } = config;
  return [
    sized(short),
    sized(long),
    {
      name: "(d) bytes per token",
      passed: measured <= target,
      measured: `${measured.toFixed(1)} measured between ${count(short.length)} and ${count(long.length)} tokens, at most ${count(target)} (hidden ${hiddenSize}, ${numHeads} heads of ${headSize}, ${numHashes} rounds)`,
    },
    {
      name: "(d) bytes per token",
      passed: planned.every((row) => row.planned <= row.target),
      measured: "planned, not run, for 6 layers and 4 rounds on a device of large bindings:",
      details: planned.map(
        ({ shape: [d, heads, size], ...row }) =>
          `hidden ${d}, ${heads} heads of ${size}: ${row.planned.toFixed(1)}, at most ${count(row.target)}`,
      ),
    },
  ];
}
