// Tokens that end texts, begin them, and fill lengths up.
import type { ReformerConfig } from "./fields.js";

/** The tokens that end a text; none where the configuration has none. */
export function endTokens({ eosTokenId }: Pick<ReformerConfig, "eosTokenId">): readonly number[] {
  if (eosTokenId === null) return [];
  return typeof eosTokenId === "number" ? [eosTokenId] : eosTokenId;
}

/** What stands before the first token of a text: the token that ends the text before it, of several the first. */
export function startToken(config: Pick<ReformerConfig, "eosTokenId" | "padTokenId">): number {
  return endTokens(config)[0] ?? fillToken(config);
}

/** What fills a sequence up to a length that the chunks need; masked out, so that any token would do. */
export function fillToken({ padTokenId }: Pick<ReformerConfig, "padTokenId">): number {
  return padTokenId ?? 0;
}
