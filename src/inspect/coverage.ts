// Does hashing find what attention looks for? For every query, the share of exact full attention's softmax mass that lies
// on its candidates: Σ exp(s) over the candidates, each counted once, over Σ exp(s) over all keys it may see.
import type { ReformerConfig } from "../config.js";
import type { OpenDevice } from "../engine-device.js";
import { attendHeads } from "../layers/attention-heads.js";
import type { Batch } from "../text/dataset.js";
import { observeLayers } from "./observe.js";

/** Coverage of one head of one layer. */
export interface HeadCoverage {
  readonly layer: number;
  readonly kind: "lsh" | "local";
  readonly head: number;
  /** Hashing rounds; 1 for local layers, whose candidates are those of their window. */
  readonly rounds: number;
  /** Mean over the tokens of the share, 0 to 1. */
  readonly mean: number;
  /** One token in ten has a share below this. */
  readonly low: number;
}

/**
 * Coverage of all LSH and local layers that do not attend fully at this length. The work grows with the square of the
 * length: exact attention is what is compared with.
 * @param rounds numbers of hashing rounds to compare
 */
export async function measureCoverage(
  device: Pick<OpenDevice, "gpu" | "base" | "weights" | "profile">,
  config: ReformerConfig,
  batch: Batch,
  rounds: readonly number[],
  options: { readonly seed: number; readonly signal?: AbortSignal | undefined },
): Promise<HeadCoverage[]> {
  const roundsOf = (kind: string) => (kind === "lsh" ? rounds : [1]);
  const statistics = await observeLayers(
    device,
    config,
    batch,
    ({ context, layer, heads, full, keep }) => {
      const kind = config.layers[layer];
      if (full || kind === undefined || kind === "full") return undefined;
      const { batch: rows, length, recording } = context;
      const sumsOf = (name: string, numHashes: number, everything: boolean) => {
        const once = { ...context, config: { ...config, numHashes, duplicates: "once" as const } };
        const { stats } = recording.scope(name, () => attendHeads(once, layer, kind, everything, heads));
        const kept = keep(name, [rows, config.numHeads, length, 2]);
        recording.copy(stats, kept);
        return kept;
      };
      const exact = sumsOf("exact", 1, true);
      return {
        exact,
        ...Object.fromEntries(
          roundsOf(kind).map((count) => [`${count} rounds`, sumsOf(`${count} rounds`, count, false)]),
        ),
      };
    },
    options,
  );
  const covered: HeadCoverage[] = [];
  for (const [layer, read] of statistics) {
    const kind = config.layers[layer] as "lsh" | "local";
    const padded = (read.exact as Float32Array).length / config.numHeads / 2;
    for (let head = 0; head < config.numHeads; head++) {
      for (const count of roundsOf(kind)) {
        const found = read[`${count} rounds` as keyof typeof read] as Float32Array;
        const shares = Array.from({ length: batch.length }, (_, token) => {
          const at = 2 * (head * padded + token);
          return Math.min(1, Math.exp(logSum(found, at) - logSum(read.exact as Float32Array, at)));
        }).sort((a, b) => a - b);
        covered.push({
          layer,
          kind,
          head,
          rounds: count,
          mean: shares.reduce((sum, share) => sum + share, 0) / shares.length,
          low: shares[Math.floor(shares.length / 10)] as number,
        });
      }
    }
  }
  return covered;
}

/** Logarithm of Σ exp(s), from (m, l). */
function logSum(stats: Float32Array, at: number): number {
  return (stats[at] as number) + Math.log(stats[at + 1] as number);
}
