// A model that the Reformer's authors trained, through the public API: it copies what it never saw.
import { expect, test } from "vitest";
import { Reformer } from "../../src/index.js";
import { Random } from "../../src/random.js";
import { getDevice } from "../support/device.js";

const FILES = import.meta.glob<string>("../fixtures/author-copy-model/*", {
  query: "?url&inline",
  import: "default",
  eager: true,
});
/** Its 12 symbols are the ids 1 to 12; what is none of them is id 0, its separator. */
const SYMBOLS = "123456789abc";
/** Some of the lengths it was trained on, 1 to 15 symbols. */
const LENGTHS = [1, 7, 15];
const EACH = 3;

async function files(): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const entries = Object.entries(FILES).map(async ([path, url]) => {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    return [path.replace(/^.*\//, ""), bytes] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

test("the authors' copy model loads and copies unseen sequences of the trained lengths, every token right", async () => {
  const options = { device: await getDevice(), tokenizer: { type: "characters" }, text: SYMBOLS } as const;
  await expect(Reformer.load(await files(), { device: options.device })).rejects.toThrow("tokenizer.json");
  await using model = await Reformer.load(await files(), options);
  expect((await model.describe()).config).toMatchObject({
    layers: ["local", "local"],
    hiddenSize: 64,
    causal: true,
  });
  const random = new Random(2026);
  for (const length of LENGTHS) {
    for (let i = 0; i < EACH; i++) {
      const word = Array.from({ length }, () => SYMBOLS[random.below(11)]).join(""); // 12 ends a text there
      // The authors' code feeds one start token, then "0 w 0".
      const written = await model.generate(`00${word}0`, { maxNewTokens: length, temperature: 0 }).text();
      expect(written, `after 0 ${word} 0`).toBe(word);
      if (i > 0) continue;
      const { tokens } = await model.score(`00${word}0${word}`);
      const copied = tokens.slice(-length).map(({ bits }) => bits);
      // Below one bit the right token is more probable than all others together.
      expect(Math.max(...copied), `bits of the tokens of ${word}, the ones before them given`).toBeLessThan(
        1,
      );
    }
  }
});
