import { expect, test } from "vitest";
import { bucketsOf, hashCost } from "../../demo/chapter/hash-cost.js";
import { autoBuckets } from "../../src/config/config.js";

const shipped = { length: 1024, headSize: 32, chunkLength: 32 };

test("buckets are as many as the library chooses", () => {
  for (const model of [shipped, { ...shipped, length: 128 }, { ...shipped, chunkLength: 64 }])
    expect(bucketsOf(model)).toBe(autoBuckets(model.length, model.chunkLength, 1024));
});

test("rotations cost a product with half as many directions as there are buckets, in every round", () => {
  expect(hashCost("rotations", 2, shipped)).toBe(2 * (2 * 32 * 32));
  expect(hashCost("rotations", 2, { ...shipped, chunkLength: 64 })).toBe(2 * (2 * 32 * 16));
});

test("a second probe halves them, centring adds to them", () => {
  const rotations = hashCost("rotations", 4, shipped);
  expect(hashCost("second-probe", 4, shipped)).toBe(rotations / 2);
  expect(hashCost("centred", 4, shipped)).toBe(rotations + 3 * 32);
});

test("sign flips and Hadamard transforms do not depend on the buckets", () => {
  expect(hashCost("hadamard", 1, shipped)).toBe(3 * (32 + 32 * 5));
  expect(hashCost("hadamard", 1, { ...shipped, length: 128 })).toBe(3 * (32 + 32 * 5));
});
