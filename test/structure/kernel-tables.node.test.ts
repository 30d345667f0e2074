import { beforeAll, describe, expect, test } from "vitest";
import { type TypeInfo, type VariableInfo, WgslReflect } from "wgsl_reflect";
import { type Dims, SUBGROUP_MATRICES, type Variant } from "../../src/gpu/kernel.js";
import { compilingDevice, kernelFiles, kernels, kernelVariants } from "./kernels.js";

/** WebGPU's guaranteed limit: every kernel works within it. */
const MAX_STORAGE_BUFFERS = 8;

/** Scalar in the leaves of an array of scalars, vectors or atomics, e.g. "f32" of array<vec4<f32>>. */
function scalarOf(type: TypeInfo): string {
  const inner = (type as { format?: TypeInfo | null }).format;
  if (inner) return scalarOf(inner);
  const short = /^vec[234]([fiu])$/.exec(type.name); // vec4f and the like carry no inner type
  return short ? { f: "f32", i: "i32", u: "u32" }[short[1] as "f" | "i" | "u"] : type.name;
}

const interfaceOf = ({ group, binding, name, access, type }: VariableInfo) =>
  `@group(${group}) @binding(${binding}) ${name}: ${access} ${scalarOf(type)}`;

/** What a table is asked of instead of an arbitrary 64. */
const SIZES: Readonly<Record<PropertyKey, unknown>> = {
  positionShape: [64, 64],
  positionSizes: [64, 64],
  axis: 0,
};

/** Names of the overrides a table sets, whatever their values. */
function overrideNames(variant: Variant<Dims>): string[] {
  const dims = new Proxy({}, { get: (_, name) => SIZES[name] ?? 64 });
  return Object.keys(variant.overrides(dims)).sort();
}

describe.each(kernelVariants)("$title", ({ file, kernel, variant }) => {
  // The reflector does not know subgroup matrices; what they are matters to no binding.
  const source = variant.sources
    .join("\n")
    .replace(/subgroup_matrix_\w+<[^>]*>/g, "f32")
    .replace(/(subgroupMatrix(Load|Store))<[^>]*>/g, "$1");
  const reflected = new WgslReflect(source);
  const entries = reflected.entry.compute;
  const entry = entries.find(({ name }) => name === kernel.entryPoint);

  test("is named after its file and has its entry point", () => {
    expect(kernel.name.replace(/:.*$/, "")).toBe(file);
    expect(entries.map(({ name }) => name)).toContain(kernel.entryPoint);
  });

  test("declares the storage bindings of its table, in order, with the same access and type", () => {
    const wanted = Object.entries(kernel.bindings).map(([name, { access, type = "f32" }], i) => {
      const wgslAccess = access === "read" ? "read" : "read_write";
      return `@group(0) @binding(${i + 1}) ${name}: ${wgslAccess} ${type}`;
    });
    expect(wanted.length).toBeLessThanOrEqual(MAX_STORAGE_BUFFERS);
    // Other entry points of the file may declare variables of their own; this entry's are all and only the table's.
    const declared = reflected.storage.map(interfaceOf);
    expect(declared).toEqual(expect.arrayContaining(wanted));
    const used = entry?.resources.filter((v) => reflected.storage.includes(v)).map(interfaceOf) ?? [];
    expect(wanted).toEqual(expect.arrayContaining(used));
  });

  test("declares the uniform struct of its table, in order and without padding", () => {
    const declared = reflected.uniforms.map(({ group, binding, members }) => ({
      at: `@group(${group}) @binding(${binding})`,
      members: members?.map(({ name, type, offset }) => `${offset} ${name}: ${type.name}`),
    }));
    const members = Object.entries(kernel.params).map(([name, type], i) => `${4 * i} ${name}: ${type}`);
    expect(declared).toEqual(members.length > 0 ? [{ at: "@group(0) @binding(0)", members }] : []);
  });

  test("declares the overrides its table sets", () => {
    const declared = reflected.overrides.map(({ name }) => name).sort();
    const set = overrideNames(variant);
    expect(declared).toEqual(expect.arrayContaining(set));
    if (entries.length === 1) expect(set).toEqual(declared);
  });

  test("enables no WGSL extension but those its variant requires", () => {
    const enabled = variant.sources.join("\n").match(/^\s*(enable|requires)\s[^;]*/gm) ?? [];
    const allowed: Partial<Record<string, readonly string[]>> = {
      "shader-f16": ["enable f16"],
      subgroups: ["enable subgroups"],
      // A device that has it has the others, too.
      [SUBGROUP_MATRICES]: ["subgroups", "chromium_experimental_subgroup_matrix", "f16"].map(
        (name) => `enable ${name}`,
      ),
    };
    const names = new Set(enabled.map((line) => line.trim()));
    expect([...names]).toEqual(
      names.size === 0 ? [] : (allowed[variant.requires?.feature ?? ""] ?? ["none"]),
    );
  });
});

test("every file of src/kernels exports a kernel, and no two kernels share a name", () => {
  expect(kernelFiles.filter((file) => !kernels.some((kernel) => kernel.file === file))).toEqual([]);
  const names = kernels.map(({ kernel }) => kernel.name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describe("compiled by Dawn without a GPU", () => {
  let device: GPUDevice;
  beforeAll(async () => {
    device = await compilingDevice();
  });

  test("a wrong module is reported, so silence means correct", async () => {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code: "fn f() -> u32 { return 1.5; }" });
    const { messages } = await module.getCompilationInfo();
    expect(await device.popErrorScope()).not.toBeNull();
    expect(messages.filter(({ type }) => type === "error")).toHaveLength(1);
  });

  test.each(kernelVariants)("$title", async ({ variant }) => {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code: variant.sources.join("\n") });
    const { messages } = await module.getCompilationInfo();
    await device.popErrorScope();
    expect(messages.map((m) => `${m.type} at ${m.lineNum}:${m.linePos}: ${m.message}`)).toEqual([]);
  });
});
