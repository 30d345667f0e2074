// Questions with gaps, as readers write them.
import { expect, test } from "vitest";
import { parseGap, ranked } from "../../demo/chapter/gap.js";

test.each([
  ["The [captain/whale] dived.", { before: ". The ", choices: ["captain", "whale"], after: " dived." }],
  ["[a / b/ c]", { before: ". ", choices: ["a", "b", "c"], after: "" }],
  ["两个[词／字]", { before: ". 两个", choices: ["词", "字"], after: "" }],
  ["[a/b/a/]\nend", { before: ". ", choices: ["a", "b"], after: "\nend" }],
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
  const [first, ...others] = ranked(["a", "b", "c"], [1001, 1000, 1001]);
  expect(first?.choice).toBe("b");
  expect(first?.chance).toBeCloseTo(0.5, 12);
  expect(others.map(({ choice }) => choice)).toEqual(["a", "c"]);
  for (const { chance } of others) expect(chance).toBeCloseTo(0.25, 12);
  expect(ranked(["alone"], [3])).toEqual([{ choice: "alone", chance: 1 }]);
});
