// Does hashing find what attention looks for? For every query, the share of exact full attention's softmax mass that lies
// on its candidates: Σ exp(s) over the candidates, each counted once, over Σ exp(s) over all keys it may see.
import { bucketFactors, paddedLength, type ReformerConfig, runsFullAttention } from "../config/config.js";
import { withHashing } from "../config/hashing.js";
import { projectHeads } from "../layers/attention.js";
import { attendHeads } from "../layers/attention-heads.js";
import type { CoverageOptions, HeadCoverage } from "../types-tasks.js";
import { checkCount, encodeCut, type ReadOptions, read, type TaskModel } from "./reading.js";

const ROUNDS = [1, 2, 4, 8];
const LENGTH = 1024;

/**
 * Coverage of every head of the LSH and local layers, unless they attend fully at this length anyway. Exact attention is
 * what is compared with, so the work grows with the square of the length.
 */
export async function coverage(
  model: TaskModel,
  text: string,
  { length = LENGTH, rounds = ROUNDS, hashing, signal }: CoverageOptions = {},
): Promise<HeadCoverage[]> {
  const config = withHashing(model.config, { hashing });
  const compared = rounds.map((count) => checkCount("rounds", count));
  const tokens = (await encodeCut(model, text, signal)).subarray(0, checkCount("length", length));
  const padded = paddedLength(config, tokens.length);
  const measured = config.layers.flatMap((kind, layer) =>
    kind === "full" || runsFullAttention(config, kind, padded) ? [] : [{ layer, kind }],
  );
  const before: ReadOptions = {
    signal,
    before: (context, streams, layer, output) => {
      const kind = measured.find((one) => one.layer === layer)?.kind;
      if (!kind) return;
      const { recording } = context;
      const { heads } = projectHeads(context, layer, kind, streams.x2);
      const sums = (numHashes: number, full: boolean) => {
        const once = { ...context, config: { ...config, numHashes, duplicates: "once" as const } };
        const { stats, inputs } = attendHeads(once, layer, kind, full, heads);
        const name = nameOf(layer, full ? "all" : numHashes);
        recording.copy(stats, output(name, stats.shape));
        const { bucketIds: ids } = inputs;
        if (ids) recording.copy(ids, output(`${name} buckets`, ids.shape, "u32"));
      };
      sums(1, true);
      for (const count of roundsOf(kind, compared)) sums(count, false);
    },
  };
  const results = await read(model, [tokens], () => undefined, before);
  const statistics = results as ReadonlyMap<string, Float32Array>;
  return measured.flatMap(({ layer, kind }) =>
    Array.from({ length: config.numHeads }, (_, head) =>
      roundsOf(kind, compared).map((count) => {
        const found = logSums(statistics.get(nameOf(layer, count)), head, tokens.length, padded);
        const exact = logSums(statistics.get(nameOf(layer, "all")), head, tokens.length, padded);
        const shares = found
          .map((sum, token) => Math.min(1, Math.exp(sum - (exact[token] as number))))
          .sort();
        return {
          ...{ layer, kind, head, rounds: count },
          mean: shares.reduce((sum, share) => sum + share, 0) / shares.length,
          low: shares[Math.floor(shares.length / 10)] as number,
          fullest: fullest(
            model.config,
            results.get(`${nameOf(layer, count)} buckets`),
            head,
            tokens.length,
            padded,
          ),
        };
      }),
    ).flat(),
  );
}

const nameOf = (layer: number, rounds: number | "all") => `coverage ${layer} ${rounds}`;

/** A local layer does not hash: its window is its one round. */
const roundsOf = (kind: ReformerConfig["layers"][number], compared: readonly number[]) =>
  kind === "lsh" ? compared : [1];

/** log Σ exp(s) of every token, from (m, l), where m is in base 2. */
function logSums(
  stats: Float32Array | undefined,
  head: number,
  tokens: number,
  padded: number,
): Float64Array {
  return Float64Array.from({ length: tokens }, (_, token) => {
    const at = 2 * (head * padded + token);
    return ((stats?.[at] as number) + Math.log2(stats?.[at + 1] as number)) * Math.LN2;
  });
}

/** Tokens in the fullest bucket over those in the mean one, of a head's rounds on average; 1 where nothing is hashed. */
function fullest(
  config: ReformerConfig,
  ids: ArrayLike<number> | undefined,
  head: number,
  tokens: number,
  padded: number,
): number {
  if (!ids) return 1;
  const buckets = bucketFactors(config, padded).reduce((a, b) => a * b, 1);
  const rounds = ids.length / (config.numHeads * padded);
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    const sizes = new Uint32Array(buckets);
    const first = (head * rounds + round) * padded;
    for (let token = 0; token < tokens; token++) {
      const bucket = ids[first + token] as number;
      sizes[bucket] = (sizes[bucket] as number) + 1;
    }
    sum += (sizes.reduce((a, b) => Math.max(a, b)) * buckets) / tokens;
  }
  return sum / rounds;
}
