// Which form of a kernel is taken where the first choice does not work.
import { describe, expect, test } from "vitest";
import type { Dims, Kernel } from "../../src/gpu/kernel.js";
import { bucketSortScatter } from "../../src/kernels/bucket-sort.js";
import { type LshHashDims, lshHash } from "../../src/kernels/lsh-hash.js";
import { matmul, matmulByHalves, matmulDims } from "../../src/kernels/matmul.js";
import { DEFAULT_LIMITS, type DeviceProfile } from "../../src/scheduler/plan.js";
import { chooseVariant } from "../../src/scheduler/variants.js";

const chosen = <D extends Dims>(kernel: Kernel<D>, dims: NoInfer<D>, profile: Partial<DeviceProfile> = {}) =>
  chooseVariant(kernel as unknown as Kernel<Dims>, dims, { ...DEFAULT_LIMITS, ...profile }).name;

const broken = (...names: readonly string[]) => ({ broken: new Set(names) });

describe("a product of many tiles", () => {
  const dims = matmulDims({ m: 4096, n: 512, k: 256 });

  test("whose best form is broken stays in f32", () => {
    expect(chosen(matmul, dims)).toBe("wide");
    expect(chosen(matmul, dims, broken("matmul/wide"))).toBe("tiled");
    const features = new Set(["shader-f16"]);
    expect(chosen(matmul, dims, { ...broken("matmul/wide"), features })).toBe("tiled");
    expect(chosen(matmul, dims, broken("matmul/wide", "matmul/tiled"))).toBe("plain");
  });

  test("rounds where it is asked to, or where nothing else works", () => {
    const variants = { matmul: ["wide-half", "tiled-half"] };
    expect(chosen(matmul, dims, { variants })).toBe("wide-half");
    expect(chosen(matmul, dims, { variants, ...broken("matmul/wide-half") })).toBe("tiled-half");
    expect(chosen(matmulByHalves, dims)).toBe("plain");
    expect(chosen(matmulByHalves, dims, broken("matmul:by-halves/plain"))).toBe("wide-half");
  });
});

test("hashing into few buckets on a CPU without subgroups takes the plain form, not that for many", () => {
  const dims: LshHashDims = {
    ...{ batch: 1, heads: 2, length: 256, headSize: 16, rounds: 2, masked: false },
    ...{ factors: [16], rotationColumns: 8 },
  };
  expect(chosen(lshHash, dims, { software: true })).toBe("plain");
  expect(chosen(lshHash, dims)).toBe("plain");
  expect(chosen(lshHash, dims, { software: true, features: new Set(["subgroups"]) })).toBe("quads");
});

test("a form for wide subgroups is taken where the smallest are wide enough", () => {
  const dims = { segments: 4, length: 4096, radix: 64, shift: 0, first: true, whole: true, scanned: false };
  const features = new Set(["subgroups"]);
  expect(chosen(bucketSortScatter, dims, { features, subgroupMinSize: 32 })).toBe("ballot");
  expect(chosen(bucketSortScatter, dims, { features, subgroupMinSize: 8 })).toBe("plain");
  expect(chosen(bucketSortScatter, dims, { features })).toBe("plain");
  expect(chosen(bucketSortScatter, dims, { subgroupMinSize: 32 })).toBe("plain");
  expect(chosen(bucketSortScatter, dims, { features, subgroupMinSize: 32, software: true })).toBe("alone");
});
