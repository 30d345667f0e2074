/** A model's tensors and the dispatches of its training step, each timed alone. */
import {
  type ProfiledDispatch,
  type ProfileOptions,
  profileStep,
  type ReformerOptions,
} from "../../../src/index.js";
import type { Bench } from "../bench.js";

export interface ArchitectureParams {
  readonly config: ReformerOptions;
  readonly training: ProfileOptions;
}

export type ArchitectureTold =
  | {
      readonly kind: "tensors";
      readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
    }
  | {
      readonly kind: "dispatches";
      readonly timed: boolean;
      readonly dispatches: readonly ProfiledDispatch[];
    };

export async function* architecture(
  bench: Bench,
  { config, training }: ArchitectureParams,
  signal: AbortSignal,
): AsyncGenerator<ArchitectureTold> {
  const model = await bench.create(config, { seed: 1, signal });
  try {
    yield {
      kind: "tensors",
      tensors: tensorsOf((await model.files())["model.safetensors"] ?? new Uint8Array()),
    };
  } finally {
    await model.dispose();
  }
  const dispatches = await profileStep(await bench.device(), config, { ...training, signal });
  yield { kind: "dispatches", timed: dispatches.some(({ nanoseconds }) => nanoseconds !== null), dispatches };
}

/** Names and shapes in the header of a safetensors file: its length in 8 bytes, then JSON. */
function tensorsOf(file: Uint8Array): { name: string; shape: readonly number[] }[] {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<
    string,
    { readonly shape: readonly number[] }
  >;
  return Object.entries(header).flatMap(([name, { shape }]) =>
    name === "__metadata__" ? [] : [{ name, shape }],
  );
}
