// `npm run fuzz -- [INPUTS] [SEED]`: reads that many damaged model files, 200,000 by default.
import { Random } from "../../src/random.js";
import { emptyCounts, targets, tryOne } from "./targets.js";

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const [inputs = 200_000, seed = 1] = args.map(Number);
  if (!(Number.isInteger(inputs) && inputs > 0 && Number.isInteger(seed))) {
    console.error("usage: npm run fuzz -- [INPUTS] [SEED], two whole numbers");
    return 2;
  }
  const all = (await targets()).map((target) => ({ target, counts: emptyCounts() }));
  const random = new Random(seed);
  for (let i = 0; i < inputs && !signal.aborted; i++) {
    const { target, counts } = all[i % all.length] as (typeof all)[number];
    await tryOne(target, random, counts);
    if ((i + 1) % 20_000 === 0) console.log(`${i + 1} inputs`);
  }
  let found = 0;
  for (const { target, counts } of all) {
    const { accepted, refused, untyped, hangs } = counts;
    console.log(
      `${target.name.padEnd(22)} ${counts.inputs} inputs: ${accepted} read, ${refused} refused, ${untyped.length} untyped, ${hangs.length} hangs`,
    );
    for (const text of [...untyped, ...hangs].slice(0, 5)) console.log(`  ${text.slice(0, 2000)}`);
    found += untyped.length + hangs.length;
  }
  if (signal.aborted) throw signal.reason; // what was found until then has been said
  return found > 0 ? 1 : 0;
}
