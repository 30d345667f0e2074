// `npm run learn -- attention|book|dates|duplication|gaps|mail|needle|reverse`: measures that models learn, and writes the numbers into
// docs/learning. `--variant "full, 512 tokens"` runs one of mail's alone, beside what is recorded of the others.
import { parseArgs } from "node:util";
import { learnAttention } from "./learn/attention.js";
import { learnBook } from "./learn/book.js";
import { learnDates } from "./learn/dates.js";
import { learnDuplication } from "./learn/duplication.js";
import { learnGaps } from "./learn/gaps.js";
import { learnMail } from "./learn/mail.js";
import { learnNeedle } from "./learn/needle.js";
import { learnReverse } from "./learn/reverse.js";
import { pollSlowly } from "./node-gpu.mjs";

const EXPERIMENTS = {
  attention: learnAttention,
  book: learnBook,
  dates: learnDates,
  duplication: learnDuplication,
  gaps: learnGaps,
  mail: learnMail,
  needle: learnNeedle,
  reverse: learnReverse,
} as const;
/** The experiment that has several. */
const WITH_VARIANTS = "mail";

/** Exit status 1 where an experiment misses its bar. */
export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { variant: { type: "string" } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(EXPERIMENTS);
  for (const name of names) {
    if (name in EXPERIMENTS) continue;
    console.error(
      `No experiment "${name}": needed is one or more of ${Object.keys(EXPERIMENTS).join(", ")}.`,
    );
    return 2;
  }
  if (values.variant !== undefined && names.some((name) => name !== WITH_VARIANTS)) {
    console.error(
      `--variant is of ${WITH_VARIANTS} alone: npm run learn -- ${WITH_VARIANTS} --variant ${JSON.stringify(values.variant)}`,
    );
    return 2;
  }
  pollSlowly();
  let failed = 0;
  for (const name of names) {
    const reached = await EXPERIMENTS[name as keyof typeof EXPERIMENTS](signal, values.variant);
    console.log(`${name}: ${reached ? "reached" : "MISSED"}`);
    if (!reached) failed++;
  }
  return failed > 0 ? 1 : 0;
}
