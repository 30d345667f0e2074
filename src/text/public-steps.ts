// What `tokenizers` does and the implementation used here does not, or does otherwise, said in steps that both take alike:
// white space and word characters are Unicode's, digits and punctuation too, and pieces join their neighbours as asked.
import type { TokenizerJson } from "./standard-json.js";

type Step = Readonly<Record<string, unknown>>;

const PUNCTUATION = "[\\p{P}!-/:-@\\[-`{-~]";
/** Of a class, the characters of words. */
export const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d";
/** How GPT-2 cuts a text. */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** Control characters that SentencePiece's rules take out, and what they make a space. */
const NMT_REMOVED = "[\\x01-\\x08\\x0b\\x0e-\\x1f\\x7f\\x8f\\x9f]";
const NMT_SPACES = "[\\t\\n\\x0c\\r\\u1680\\u200b-\\u200f\\u2028\\u2029\\u2581\\ufeff\\ufffd]";
/** Of ideographs, those beyond 16 bits. */
const IDEOGRAPHS =
  "[\\x{20000}-\\x{2a6df}\\x{2a700}-\\x{2b73f}\\x{2b740}-\\x{2b81f}\\x{2b920}-\\x{2ceaf}\\x{2f800}-\\x{2fa1f}]";

/** The same tokenizer in steps that the implementation takes as `tokenizers` does. */
export function commonSteps(json: TokenizerJson): TokenizerJson {
  const { normalizer, pre_tokenizer: preTokenizer, decoder } = json as Record<string, unknown>;
  return {
    ...json,
    normalizer: each(normalizer, "normalizers", normalizerSteps),
    pre_tokenizer: each(preTokenizer, "pretokenizers", preTokenizerSteps),
    decoder: each(decoder, "decoders", decoderSteps),
  };
}

/** Applies `change` to a step, or to each step of a sequence; what is several steps then becomes one sequence. */
function each(step: unknown, list: string, change: (step: Step) => readonly Step[]): unknown {
  const steps = changed(step, list, change);
  return steps.length === 1 ? steps[0] : { type: "Sequence", [list]: steps };
}

function changed(step: unknown, list: string, change: (step: Step) => readonly Step[]): readonly unknown[] {
  if (typeof step !== "object" || step === null) return [step];
  const { type, [list]: inner } = step as Step;
  if (type !== "Sequence" || !Array.isArray(inner)) return change(step as Step);
  return inner.flatMap((one) => changed(one, list, change));
}

function replace(regex: string, content: string): Step {
  return { type: "Replace", pattern: { Regex: regex }, content };
}

/** A dollar is a dollar. */
function itself(content: string): string {
  return content.replaceAll("$", "$$$$");
}

/** Whether a normalizer takes away what a text begins with. */
export function stripsLeft(normalizer: unknown): boolean {
  const { type, normalizers, strip_left: left } = (normalizer ?? {}) as Step;
  if (Array.isArray(normalizers)) return normalizers.some(stripsLeft);
  return type === "Strip" && left !== false;
}

/** Lower case is made of each character alone: no capital sigma becomes a final one. */
const SIGMA = replace("\\u03a3", "\u03c3");

function normalizerSteps(step: Step): Step[] {
  switch (step.type) {
    case "Strip": {
      const left = step.strip_left === false ? [] : [replace("\\A\\s+", "")];
      return step.strip_right === false ? left : [...left, replace("\\s+\\z", "")];
    }
    case "Lowercase":
      return [SIGMA, step];
    case "BertNormalizer": {
      const apart = step.handle_chinese_chars === true ? [replace(IDEOGRAPHS, " $& ")] : [];
      return [...apart, ...(step.lowercase === true ? [SIGMA] : []), step];
    }
    case "Nmt":
      return [replace(NMT_REMOVED, ""), replace(NMT_SPACES, " ")];
    case "Replace":
      return [{ ...step, content: itself(String(step.content ?? "")) }];
    case "Prepend": // to something
      return [replace("\\A[\\s\\S]", `${itself(String(step.prepend))}$&`)];
    default:
      return [step];
  }
}

function split(regex: string, behavior: string, invert = false): Step {
  return { type: "Split", pattern: { Regex: regex }, behavior, invert };
}

function preTokenizerSteps(step: Step): Step[] {
  switch (step.type) {
    case "ByteLevel": {
      const prefix = step.add_prefix_space === true ? [replace("\\A[^ ]", " $&")] : [];
      const words = step.use_regex === false ? [] : [split(WORDS, "Isolated")];
      return [...prefix, ...words, { ...step, add_prefix_space: false, use_regex: false }];
    }
    case "Whitespace":
      return [split(`[${WORD}]+|[^${WORD}\\s]+`, "Removed", true)];
    case "WhitespaceSplit":
      return [split("\\s+", "Removed")];
    case "BertPreTokenizer":
      return [split("\\s+", "Removed"), split(PUNCTUATION, "Isolated")];
    case "CharDelimiterSplit":
      return [split(literal(String(step.delimiter)), "Removed")];
    case "Digits":
      return [split(step.individual_digits === true ? "\\p{N}" : "\\p{N}+", "Isolated")];
    case "Punctuation":
      return [joined(PUNCTUATION, step.behavior)];
    case "Metaspace": {
      const pieces =
        step.split === false ? [] : [joined(literal(String(step.replacement ?? "\u2581")), "MergedWithNext")];
      return [{ ...step, prepend_scheme: prependScheme(step) }, ...pieces];
    }
    case "Split": {
      const { Regex: regex, String: text } = (step.pattern ?? {}) as Record<string, unknown>;
      const pattern =
        typeof regex === "string" ? regex : typeof text === "string" ? literal(text) : undefined;
      if (pattern === undefined) return [step];
      if (step.invert !== true) return [joined(pattern, step.behavior)];
      return [split(pattern, String(step.behavior), step.behavior !== "Isolated")];
    }
    default:
      return [step];
  }
}

/** Splits at a pattern whose matches stand alone, disappear, or join what is beside them. */
function joined(pattern: string, behavior: unknown): Step {
  const between = `(?:(?!${pattern})[\\s\\S])`;
  const kept = (regex: string) => split(regex, "Removed", true);
  switch (behavior) {
    case "MergedWithPrevious":
      return kept(`${between}*(?:${pattern})|${between}+`);
    case "MergedWithNext":
      return kept(`(?:${pattern})${between}*|${between}+`);
    case "Contiguous":
      return kept(`(?:${pattern})+|${between}+`);
    default:
      return split(pattern, behavior === "Removed" ? "Removed" : "Isolated");
  }
}

/** Older files say whether a space is put in front, newer ones where. */
function prependScheme({ prepend_scheme: scheme, add_prefix_space: always }: Step): unknown {
  return scheme ?? (always === false ? "never" : "always");
}

function decoderSteps(step: Step): Step[] {
  if (step.type !== "Metaspace" || prependScheme(step) !== "never") return [step];
  return [{ type: "Replace", pattern: { String: step.replacement ?? "\u2581" }, content: " " }];
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
