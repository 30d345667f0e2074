import { expect, test } from "vitest";
import { modelOf } from "../../demo/chapter/models.js";
import { tensorsOf } from "../../demo/chapter/tensors.js";
import { resolveConfig } from "../../src/config/config.js";
import { parameters } from "../../src/model/parameters.js";

test.each([
  [{ length: 128, depth: 2, hiddenSize: 32 }, ["local", "lsh"]],
  [{ length: 4096, depth: 3, hiddenSize: 256 }, ["full", "lsh", "local"]],
] as const)("the weights that the page computes for %o are those that the library makes", (shape, kinds) => {
  const config = modelOf(shape, ...kinds);
  const made = parameters(resolveConfig(config)).map(({ name, shape }) => ({ name, shape: [...shape] }));
  const computed = tensorsOf(config).map(({ name, shape }) => ({ name, shape: [...shape] }));
  expect(computed).toEqual(made);
});
