import { describe, expect, test } from "vitest";
import { TextError } from "../../src/errors.js";
import { loadTokenizer } from "../../src/text/load-tokenizer.js";
import { checkPatterns, repeatsRepetition } from "../../src/text/patterns.js";
import { UNIGRAM_SIZE, unigramJson } from "./unigram-json.js";

describe("repeatsRepetition(pattern)", () => {
  test.each([
    "(a+)+$",
    "([a-z]*)*!",
    "(?:\\s+|x)+y",
    "((a|b)+c?)*d",
    "(?<w>\\w+\\s?)+$",
    "(a{2,})+",
    "(a+){3,}",
    "^(([^)]+))+$",
  ])("%s could take for ever", (pattern) => expect(repeatsRepetition(pattern)).toBe(true));

  test.each([
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", // GPT-2
    "(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+", // Llama 3
    " {2,}",
    "(abc)+",
    "(?:[^+]|\\+)*",
    "([(+)+]x)+",
    "(a+)b+",
    "(a+)?",
    "(a+){2}",
  ])("%s cannot", (pattern) => expect(repeatsRepetition(pattern)).toBe(false));
});

test("checkPatterns(json) finds an expression however deep, and names it", () => {
  const pattern = "(a+)+$";
  let json: unknown = { pattern: { Regex: pattern } };
  for (let i = 0; i < 50_000; i++) json = [json];
  expect(() => checkPatterns(json)).toThrow(TextError);
  expect(() => checkPatterns(json)).toThrow(JSON.stringify(pattern));
  expect(() => checkPatterns({ pattern: { Regex: "a".repeat(10_001) } })).toThrow(
    "has 10001 characters, and no tokenizer needs more than 10000",
  );
  expect(() => checkPatterns(null)).not.toThrow();
});

test("a tokenizer.json with an expression that could take for ever is refused before it reads a text", async () => {
  const json = {
    ...unigramJson(),
    normalizer: { type: "Replace", pattern: { Regex: "(e+)+x" }, content: "" },
  };
  await expect(loadTokenizer(json, UNIGRAM_SIZE)).rejects.toThrow(/repeats what repeats/);
  await expect(loadTokenizer(unigramJson(), UNIGRAM_SIZE)).resolves.toBeDefined();
});
