import { expect, test } from "vitest";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { defineKernel } from "../../src/gpu/kernel.js";
import { threefry2x32, uniformOf } from "../../src/random.js";
import { runKernel } from "../support/run-kernel.js";

interface Dims {
  readonly calls: number;
}

/** words[i] = threefry2x32(key, counter) and its first word as a uniform number, for inputs [key, counter]. */
const probe = defineKernel<Dims>({
  name: "threefry-probe",
  sources: [
    threefry,
    /* wgsl */ `
@group(0) @binding(1) var<storage, read>       inputs:   array<u32>;
@group(0) @binding(2) var<storage, read_write> words:    array<u32>;
@group(0) @binding(3) var<storage, read_write> uniforms: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let at = 4u * group.x;
  let result = threefry2x32(vec2u(inputs[at], inputs[at + 1u]), vec2u(inputs[at + 2u], inputs[at + 3u]));
  words[2u * group.x] = result.x;
  words[2u * group.x + 1u] = result.y;
  uniforms[group.x] = unit_float(result.x);
}`,
  ],
  overrides: () => ({}),
  bindings: {
    inputs: { access: "read", type: "u32", shape: (d) => [d.calls, 4] },
    words: { access: "write", type: "u32", shape: (d) => [d.calls, 2] },
    uniforms: { access: "write", shape: (d) => [d.calls] },
  },
  grid: (d) => [d.calls, 1, 1],
  cost: () => ({ flops: 0, bytes: 0 }),
});

async function run(inputs: readonly (readonly number[])[]) {
  const values = { inputs: Uint32Array.from(inputs.flat()) };
  const { words, uniforms } = await runKernel(probe, { calls: inputs.length }, values);
  return { words: [...(words as Uint32Array)], uniforms: [...(uniforms as Float32Array)] };
}

test("threefry2x32() of the shaders gives the known answers of its authors", async () => {
  const ones = 0xffffffff;
  const { words } = await run([
    [0, 0, 0, 0],
    [ones, ones, ones, ones],
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3],
  ]);
  expect(words).toEqual([0x6b200159, 0x99ba4efe, 0x1cb996fc, 0xbb002be7, 0xc4923a9c, 0x483df7a0]);
});

test("the shaders' generator and uniform numbers equal those of the host", async () => {
  const inputs = Array.from({ length: 50 }, (_, i) => [i * 0x9e3779b9, i, ~i, i * i].map((x) => x >>> 0));
  const { words, uniforms } = await run(inputs);
  const expected = inputs.map(([a, b, c, d]) => threefry2x32([a!, b!], [c!, d!]));
  expect(words).toEqual(expected.flat());
  expect(uniforms).toEqual(expected.map(([first]) => uniformOf(first)));
});
