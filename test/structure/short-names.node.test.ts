// Builds have shaders with short names: they must be the same shaders.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { plainWgsl, shaderNames } from "../../src/cli/plain-shaders.js";
import { renamed, shortNames } from "../../src/cli/short-names.js";
import { compilingDevice, kernelVariants } from "./kernels.js";
import { filesUnder } from "./sources.js";

const names = shaderNames("shaders");
const sources = filesUnder("shaders", /\.wgsl$/).map((path) => readFileSync(path, "utf8"));
/** What a build has in place of a shader's text; the tables' own lines stay. */
const built = new Map(sources.map((source) => [source, renamed(plainWgsl(source), names)]));

describe("shortNames(sources)", () => {
  const short = (source: string) => renamed(source, shortNames([source]));

  test.each<[why: string, source: string, renamed: string]>([
    [
      "values and functions",
      "fn twice(value: f32) -> f32 { return value; }",
      "fn b(a: f32) -> f32 { return a; }",
    ],
    [
      "members",
      "struct P { count: u32 } var<private> size: P; let n = size.count;",
      "struct P { a: u32 } var<private> b: P; let c = b.a;",
    ],
    [
      "no entry point",
      "@compute @workgroup_size(1) fn main() {}",
      "@compute @workgroup_size(1) fn main() {}",
    ],
    [
      "no attribute",
      "fn f(@builtin(workgroup_id) group: vec3u) { let workgroup_id = group; }",
      "fn b(@builtin(workgroup_id) a: vec3u) { let workgroup_id = a; }",
    ],
    ["no swizzle", "let xy = point.xy;", "let xy = point.xy;"],
    ["no function of WGSL's", "let step = step(1.0, 2.0);", "let step = step(1.0, 2.0);"],
    [
      "constants, and no overrides",
      "override SIZE: u32; const TILE = SIZE;",
      "override SIZE: u32; const a = SIZE;",
    ],
    ["no suffix of a number", "let u = 1u;", "let a = 1u;"],
    [
      "no default case",
      "switch (SIZE) { case 1u: {} default: {} }",
      "switch (SIZE) { case 1u: {} default: {} }",
    ],
  ])("renames %s", (_why, source, expected) => expect(short(source)).toBe(expected));

  test("gives every name of the shaders another", () => {
    expect(names.size).toBeGreaterThan(500);
    expect(new Set(names.values()).size).toBe(names.size);
    expect(names.get("params")).toMatch(/^.$/);
    const words = new Set(sources.flatMap((source) => plainWgsl(source).match(/\w+/g) ?? []));
    const left = [...words].filter((word) => !names.has(word));
    expect(left.filter((word) => new Set(names.values()).has(word))).toEqual([]);
  });
});

describe("with short names", () => {
  let device: GPUDevice;
  beforeAll(async () => {
    device = await compilingDevice();
  });

  test.each(kernelVariants)("$title compiles", async ({ variant }) => {
    const code = variant.sources.map((source) => built.get(source) ?? source).join("\n");
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    expect(messages.map(({ message }) => message)).toEqual([]);
  });
});
