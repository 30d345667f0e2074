// Questions with gaps, as readers write them.
import { expect, test } from "vitest";
import { chances, parseGap } from "../../demo/chapter/gap.js";

test.each([
  ["The [captain/whale] dived.", { before: "The ", choices: ["captain", "whale"], after: " dived." }],
  ["[a / b/ c]", { before: "", choices: ["a", "b", "c"], after: "" }],
  ["两个[词／字]", { before: "两个", choices: ["词", "字"], after: "" }],
  ["[a/b/a/]\nend", { before: "", choices: ["a", "b"], after: "\nend" }],
])("%j is a gap", (text, gap) => {
  expect(parseGap(text)).toEqual(gap);
});

test.each(["", "no gap", "one [choice]", "[same/same]", "[/]", "[a/b] and [c/d]", "[a/b", "a/b]", "[[a/b]]"])(
  "%j is none",
  (text) => {
    expect(parseGap(text)).toBeNull();
  },
);

test("a bit less is twice as likely, whatever the texts cost", () => {
  const even = chances([1000, 1001, 1001]);
  expect(even[0]).toBeCloseTo(0.5, 12);
  expect(even[1]).toBeCloseTo(0.25, 12);
  expect(even[2]).toBeCloseTo(0.25, 12);
  expect(chances([3])).toEqual([1]);
});
