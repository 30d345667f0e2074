// Regular expressions that a tokenizer.json brings: those that could take exponential time on a short text are refused before
// one of them runs.
import { TextError } from "../errors.js";

/** Longer ones are no tokenizer's. */
const MAX_PATTERN = 10_000;

/**
 * Checks every { "Regex": … } in a file, however deep.
 * @throws {TextError} naming the expression
 */
export function checkPatterns(value: unknown): void {
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    const pattern = (next as { readonly Regex?: unknown }).Regex;
    if (typeof pattern === "string" && pattern.length > MAX_PATTERN) {
      throw new TextError(
        `The expression ${JSON.stringify(pattern.slice(0, 100))} has ${pattern.length} characters, and no tokenizer needs more than ${MAX_PATTERN}. Use a tokenizer.json without it.`,
        { pattern: pattern.slice(0, 100), length: pattern.length },
      );
    }
    if (typeof pattern === "string" && repeatsRepetition(pattern)) {
      throw new TextError(
        `The expression ${JSON.stringify(pattern.slice(0, 100))} repeats what repeats without an end: it could take for ever on a short text. Use a tokenizer.json without it.`,
        { pattern: pattern.slice(0, 100) },
      );
    }
    for (const inner of Object.values(next)) if (typeof inner === "object") open.push(inner);
  }
}

/**
 * Whether a group that holds an unbounded repetition is itself repeated without a bound, as in (a+)+: the one way to
 * exponential time that needs no look at what matches.
 */
export function repeatsRepetition(pattern: string): boolean {
  /** Per open group: whether it holds an unbounded repetition. */
  const groups = [false];
  let closed: boolean | undefined; // of the group that has just ended
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "\\") at++;
    else if (character === "[") at = endOfClass(pattern, at);
    const unbounded = character === "*" || character === "+" || /^\{\d+,\}/.test(pattern.slice(at, at + 20));
    if (unbounded) {
      if (closed) return true;
      groups[groups.length - 1] = true;
    }
    const ended = character === ")" && groups.length > 1 ? groups.pop() : undefined;
    if (ended) groups[groups.length - 1] = true; // what it holds, the one around it holds too
    if (character === "(") groups.push(false);
    closed = ended;
  }
  return false;
}

function endOfClass(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern.charAt(at) === "\\") at++;
    else if (pattern.charAt(at) === "]") return at;
  }
  return pattern.length;
}
