// What the adapter can do at best, measured: multiply-adds in registers, and copies from memory to memory.
import type { Gpu } from "../../src/gpu/gpu.js";
import { defineKernel } from "../../src/gpu/kernel.js";
import { type DeviceProfile, plan } from "../../src/scheduler/plan.js";
import { Arena, Recording } from "../../src/scheduler/recording.js";
import { PreparedPlan, type ProfileRow } from "../../src/scheduler/run.js";
import type { Scale } from "../self-test/benchmark.js";
import { median } from "./report.js";

export interface Roofline {
  readonly gigaflops: number;
  readonly gigabytes: number;
}

interface FmaDims {
  readonly groups: number;
  readonly steps: number;
}

/** Eight vec4 sums in registers: 64 operations a step. */
const fma = defineKernel<FmaDims>({
  name: "roofline-fma",
  sources: [
    /* wgsl */ `
struct Params { steps: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read_write> out:    array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sums = array<vec4f, 8>();
  let x = vec4f(id.xyxy) * 1e-6;
  for (var i = 0u; i < params.steps; i++) {
    sums[0] = fma(sums[0], x, x); sums[1] = fma(sums[1], x, x);
    sums[2] = fma(sums[2], x, x); sums[3] = fma(sums[3], x, x);
    sums[4] = fma(sums[4], x, x); sums[5] = fma(sums[5], x, x);
    sums[6] = fma(sums[6], x, x); sums[7] = fma(sums[7], x, x);
  }
  out[id.x] = sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}`,
  ],
  overrides: () => ({}),
  params: { steps: "u32" },
  bindings: { out: { access: "write", shape: (d) => [d.groups * 64, 4] } },
  grid: (d) => [d.groups, 1, 1],
  cost: (d) => ({ flops: d.groups * 64 * d.steps * 64, bytes: d.groups * 64 * 16 }),
});

interface CopyDims {
  readonly groups: number;
}

/** Each invocation copies 16 bytes. */
const copy = defineKernel<CopyDims>({
  name: "roofline-copy",
  sources: [
    /* wgsl */ `
@group(0) @binding(1) var<storage, read>       x:   array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 256u + lane;
  out[at] = x[at];
}`,
  ],
  overrides: () => ({}),
  bindings: {
    x: { access: "read", shape: (d) => [d.groups * 256, 4] },
    out: { access: "write", shape: (d) => [d.groups * 256, 4] },
  },
  grid: (d) => [Math.min(d.groups, 32_768), Math.ceil(d.groups / 32_768), 1],
  cost: (d) => ({ flops: 0, bytes: 2 * d.groups * 256 * 16 }),
});

const REPEATS = 7;
const SIZES = {
  gpu: { fma: { groups: 16_384, steps: 4096 }, copy: { groups: 32_768 } },
  software: { fma: { groups: 64, steps: 4096 }, copy: { groups: 8192 } },
} as const;

/** Medians of timestamps, in the same run as what is compared with them. */
export async function measureRoofline(gpu: Gpu, profile: DeviceProfile, scale: Scale): Promise<Roofline> {
  const recording = new Recording();
  const sizes = SIZES[scale];
  const out = recording.tensor("sums", [sizes.fma.groups * 64, 4]);
  recording.dispatch(fma, sizes.fma, { out });
  const arenas = [new Arena("copied from", "state"), new Arena("copied to", "state")];
  const [from, to] = arenas.map((arena) => arena.tensor("copied", [sizes.copy.groups * 256, 4]));
  recording.dispatch(copy, sizes.copy, { x: from, out: to });
  const prepared = await PreparedPlan.create(gpu, plan([recording], profile, { arenas }));
  try {
    const runs: ProfileRow[][] = [];
    for (let i = 0; i <= REPEATS; i++) runs.push(await prepared.profile());
    const rates = (row: 0 | 1, of: "flops" | "bytes") =>
      median(runs.slice(1).map((rows) => (rows[row]?.[of] ?? 0) / (rows[row]?.nanoseconds ?? 1)));
    return { gigaflops: rates(0, "flops"), gigabytes: rates(1, "bytes") };
  } finally {
    prepared.dispose();
  }
}
