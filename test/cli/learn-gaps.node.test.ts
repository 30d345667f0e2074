// Questions made of the book: what is left out, what is offered, and that the shipped ones are those.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readBook } from "../../src/cli/book.js";
import { gapsOf } from "../../src/cli/learn/gaps.js";
import { splitText } from "../../src/text/dataset.js";

test("ten different words, the missing one and nine from shortly before, about the unseen end alone", async () => {
  const { train, heldOut } = splitText(await readBook());
  const gaps = gapsOf(train, heldOut, 100, 1);
  expect(gaps).toHaveLength(100);
  for (const { before, choices, answer, commonest, after } of gaps) {
    expect(heldOut).toContain(before + answer + after);
    expect(new Set(choices).size).toBe(10);
    expect(choices).toContain(answer);
    expect(choices).toContain(commonest);
    for (const choice of choices) expect(choice === answer || before.slice(-300).includes(choice)).toBe(true);
  }
  // The answer stands anywhere among the choices.
  expect(new Set(gaps.map(({ choices, answer }) => choices.indexOf(answer))).size).toBe(10);
  expect(gapsOf(train, heldOut, 100, 1)).toEqual(gaps);

  const shipped = JSON.parse(await readFile("demo/public/models/writer/gaps.json", "utf8")) as typeof gaps;
  const cut = gaps.slice(0, shipped.length).map((gap) => ({ ...gap, before: gap.before.slice(-400) }));
  expect(shipped).toEqual(cut);
});
