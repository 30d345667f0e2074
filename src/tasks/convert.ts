// What texts become, by a sequence-to-sequence model.
import { longestLength, pairLengths } from "../config/config.js";
import { convertTokens } from "../generate/pairs.js";
import type { ConvertOptions } from "../types-tasks.js";
import { pairTokens } from "./pair-tokens.js";
import { checkCount, needHead, type TaskModel } from "./reading.js";

/** New tokens where nothing is said. */
const DEFAULT_NEW_TOKENS = 200;
/** Sources read side by side. */
const BATCH = 32;

/**
 * The target of every text, in their order. Texts of as many tokens are converted side by side.
 * @throws {ShapeError} where a text, or `maxNewTokens`, is longer than the model's positions; signal.reason on abort
 */
export async function convert(
  model: TaskModel,
  texts: readonly string[],
  options: ConvertOptions = {},
): Promise<string[]> {
  needHead(model, "sequence-to-sequence", "convert()");
  const { config, tokenizer } = model;
  const { maxNewTokens: wanted, signal, seed = model.seed, ...sampling } = options;
  const maxNewTokens = checkCount(
    "maxNewTokens",
    wanted ?? Math.min(DEFAULT_NEW_TOKENS, longestLength(config)),
  );
  const byLength = new Map<number, { readonly place: number; readonly tokens: Uint32Array }[]>();
  for (const [place, text] of texts.entries()) {
    const tokens = await pairTokens(config, tokenizer, text, signal);
    pairLengths(config, tokens.length, maxNewTokens);
    byLength.set(tokens.length, [...(byLength.get(tokens.length) ?? []), { place, tokens }]);
  }
  const targets = texts.map(() => "");
  for (const group of byLength.values()) {
    for (let first = 0; first < group.length; first += BATCH) {
      const part = group.slice(first, first + BATCH);
      const sources = part.map(({ tokens }) => tokens);
      const converted = await convertTokens(model, sources, { ...sampling, maxNewTokens, seed, signal });
      part.forEach(({ place }, row) => {
        const known = converted[row]?.filter((token) => token < tokenizer.vocabSize);
        targets[place] = tokenizer.decode(known ?? []);
      });
    }
  }
  return targets;
}
