// Sources and targets as tokens. Both end with the end-of-text token, as those of most sequence-to-sequence models do: by
// it an encoder knows where a source ends. It also begins what the decoder reads of a target.
import { type ReformerConfig, startToken } from "../config/config.js";
import { encodeText, type Tokenizer } from "../text/tokenizer.js";

/**
 * Tokens of a text, then the end; none is left out.
 * @throws signal.reason on abort
 */
export async function pairTokens(
  config: Pick<ReformerConfig, "eosTokenId" | "padTokenId">,
  tokenizer: Tokenizer,
  text: string,
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const tokens = await encodeText(tokenizer, text, { signal });
  const ended = new Uint32Array(tokens.length + 1);
  ended.set(tokens);
  ended[tokens.length] = startToken(config);
  return ended;
}
