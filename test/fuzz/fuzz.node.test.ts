// Ten seconds of damaged model files. `npm run fuzz` goes on for longer.
import { expect, test } from "vitest";
import { Random } from "../../src/random.js";
import { emptyCounts, targets, tryOne } from "./targets.js";

const MILLISECONDS = 10_000;

test("damaged files are read or refused by a class of ours, each within a second", async () => {
  const all = (await targets()).map((target) => ({ target, counts: emptyCounts() }));
  const random = new Random(Date.now() % 2 ** 32); // other files every time: what is found is printed whole
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end) {
    for (const { target, counts } of all) await tryOne(target, random, counts);
  }
  for (const { target, counts } of all) {
    expect(counts.untyped, target.name).toEqual([]);
    expect(counts.hangs, target.name).toEqual([]);
    expect(counts.inputs, target.name).toBeGreaterThan(100);
    expect(counts.accepted, target.name).toBeGreaterThan(0);
    expect(counts.refused, target.name).toBeGreaterThan(0);
  }
});
