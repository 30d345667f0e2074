// Bucket ids computed beside a run from recorded rotations, against the recorded ids that the run itself used.
import { lshHash } from "../../src/kernels/lsh-hash.js";
import { projectHeads } from "../../src/layers/attention.js";
import type { LayerContext } from "../../src/layers/context.js";
import type { Rows } from "../../src/layers/rows.js";
import type { Tensor } from "../../src/scheduler/recording.js";
import type { RecordedHash } from "./case.js";
import type { Session } from "./session.js";

/** What one run of a case computed. */
export interface Computed {
  /** By recorded name, without `expect/`. */
  readonly values: ReadonlyMap<string, ArrayLike<number>>;
  /** Bucket ids computed from the recorded rotations. */
  readonly hashed: number;
  /** Of these, ids that differ from the recorded ones. The rest of the run used the recorded ids. */
  readonly flipped: number;
}

/** Hashes a layer's queries. */
export function dispatchHash(
  { recording, config, batch, length, keyMask }: LayerContext,
  { factors, columns }: Pick<RecordedHash, "factors" | "columns">,
  tensors: { readonly qk: Tensor; readonly rotations: Tensor; readonly buckets: Tensor },
): void {
  recording.dispatch(
    lshHash,
    {
      batch,
      heads: config.numHeads,
      length,
      headSize: config.headSize,
      rounds: config.numHashes,
      factors,
      rotationColumns: columns,
      masked: keyMask !== undefined,
    },
    { ...tensors, keyMask, scale: recording.tensor("scale", [batch, config.numHeads, length]) },
  );
}

/** Hashes a layer's queries with the recorded rotations, beside the run. */
export function recordHash(
  session: Session,
  layer: number,
  query: Tensor,
  hash: RecordedHash | undefined,
): void {
  if (!hash) return;
  const buckets = session.input(`computed buckets ${layer}`, new Uint32Array(hash.buckets.length));
  const rotations = session.input(`rotations ${layer}`, hash.rotations);
  dispatchHash(session.context, hash, { qk: query, rotations, buckets });
  session.result(bucketsOf(layer), buckets);
}

/** The same from a layer's input, before the layer runs: it may compute its heads in groups. */
export function recordLayerHash(
  session: Session,
  layer: number,
  x2: Rows,
  hash: RecordedHash | undefined,
): void {
  if (!hash) return;
  const { heads } = projectHeads(session.context, layer, "lsh", x2);
  recordHash(session, layer, heads.query, hash);
}

/** Name of a layer's computed ids among the values. */
export const bucketsOf = (layer: number): string => `buckets/${layer}`;

export function countFlips(
  values: ReadonlyMap<string, ArrayLike<number>>,
  hashes: ReadonlyMap<number, RecordedHash>,
): Computed {
  let hashed = 0;
  let flipped = 0;
  for (const [layer, { buckets }] of hashes) {
    const ids = values.get(bucketsOf(layer));
    hashed += buckets.length;
    buckets.forEach((id, i) => {
      flipped += Number(ids?.[i] !== id);
    });
  }
  return { values, hashed, flipped };
}
