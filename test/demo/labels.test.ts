import { describe, expect, test } from "vitest";
import { spreadNames } from "../../demo/figures/labels.js";

describe("spreadNames(heights, bottom)", () => {
  test("names a line apart stay beside what they name", () => {
    expect(spreadNames([20, 60, 90], 100)).toEqual([20, 60, 90]);
  });

  test("names that would cover one another go down", () => {
    expect(spreadNames([20, 21, 22, 90], 100)).toEqual([20, 35, 50, 90]);
  });

  test("those that have no room at the bottom go up, and none that is not in their way", () => {
    expect(spreadNames([20, 95, 96, 97], 100)).toEqual([20, 70, 85, 100]);
  });

  test("of one name and of none", () => {
    expect(spreadNames([120], 100)).toEqual([100]);
    expect(spreadNames([], 100)).toEqual([]);
  });
});
