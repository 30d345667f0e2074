// Sources and targets as tokens. Both end with the end-of-text token, as those of most sequence-to-sequence models do: by
// it an encoder knows where a source ends. It also begins what the decoder reads of a target.
import type { ReformerConfig } from "../config/config.js";
import type { Tokenizer } from "../text/tokenizer.js";

/** Tokens of a text, then the end; none is left out. */
export function pairTokens(
  { eosTokenId }: Pick<ReformerConfig, "eosTokenId">,
  tokenizer: Tokenizer,
  text: string,
): Uint32Array {
  const tokens = tokenizer.encode(text);
  const ended = new Uint32Array(tokens.length + 1);
  ended.set(tokens);
  ended[tokens.length] = eosTokenId ?? 0; // never null with such a head
  return ended;
}
