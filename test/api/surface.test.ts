// What the entries of the package give: no name comes or goes unnoticed.
import { expect, test } from "vitest";
import * as errors from "../../src/errors.js";
import * as library from "../../src/index.js";
import * as kernels from "../../src/kernels.js";
import * as metrics from "../../src/metrics.js";

const ERRORS = Object.keys(errors);

test.each([
  [
    "webgpu-reformer",
    library,
    [
      ...["Reformer", "attentionOf", "candidatesOf", "clearDownloads", "exactAttentionOf", "isSupported"],
      ...["longestLength", "pipeline", "planMemory", "profileStep", ...ERRORS],
    ],
  ],
  ["kernels", kernels, ["lshAttention", "rotationColumns", ...ERRORS]],
  [
    "metrics",
    metrics,
    [...["accuracy", "areaUnderRoc", "calibrationError", "exactMatch", "macroF1", "tokenF1"], "ShapeError"],
  ],
])("%s: these functions and classes", (_entry, given, names) => {
  expect(Object.keys(given).sort()).toEqual([...names].sort());
  for (const name of names) expect(Reflect.get(given, name), name).toBeInstanceOf(Function);
});

test("metrics of labels that a model gave", () => {
  const truth = ["spam", "ham", "spam", "ham"];
  const scores = [0.9, 0.2, 0.4, 0.6]; // of "spam"
  const predicted = scores.map((score) => (score > 0.5 ? "spam" : "ham"));
  expect(metrics.accuracy(predicted, truth)).toBe(0.5);
  expect(metrics.macroF1(predicted, truth)).toBe(0.5);
  const positive = truth.map((label) => label === "spam");
  expect(metrics.areaUnderRoc(scores, positive)).toBe(0.75);
  expect(() => metrics.accuracy([], truth)).toThrow(metrics.ShapeError);
});
