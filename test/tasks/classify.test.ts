import { expect, test } from "vitest";
import { Reformer } from "../../src/index.js";
import { SMALL } from "../api/small-model.js";

test("classify() reads a text as if it were the only one, however long the others are", async () => {
  // Seen both ways, the first chunk looks round to the last one: with more padding than a text needs, to another one.
  await using model = await Reformer.create(
    {
      ...SMALL,
      layers: ["local"],
      head: "classification",
      numLabels: 3,
      problemType: "regression",
      initializerRange: 0.3,
    },
    { worker: "none", seed: 1 },
  );
  const texts = [
    "x".repeat(19),
    "the whale swims, the ship follows, the sea says nothing",
    "short",
    "y".repeat(20),
  ];
  const together = await model.classify(texts);
  expect(together).toHaveLength(texts.length);
  for (const [i, text] of texts.entries()) {
    const [alone] = await model.classify([text]);
    for (const [label, { score }] of alone!.entries()) {
      expect(together[i]![label]!.score, `${text}, label ${label}`).toBeCloseTo(score, 5);
    }
  }
});
