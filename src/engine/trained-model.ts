// The engine as a training run sees it.
import type { ReformerConfig } from "../config/config.js";
import type { CheckpointStore } from "../io/checkpoint-store.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { ProgressEvent } from "../types.js";
import type { OpenChoices } from "./choice-memory.js";
import type { OpenDevice } from "./device.js";

/** What a run needs of the engine it trains. */
export interface TrainedModel {
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
  readonly device: OpenDevice;
  /** Opens another device after the first was lost; the weights on it are undefined. */
  reopen(): Promise<OpenDevice>;
  openStore(name: string | undefined): Promise<CheckpointStore>;
  /** Where it is remembered what was fastest on a device. */
  readonly openChoices: OpenChoices;
  /** Text the model writes now. */
  sample(prompt: string, tokens: number, signal: AbortSignal | undefined): Promise<string>;
  onStep(step: number): void;
  onProgress: ((event: ProgressEvent) => void) | undefined;
}

/** Whether its device has gone away. */
export function isLost({ device }: TrainedModel): boolean {
  try {
    device.gpu.check();
    return false;
  } catch {
    return true;
  }
}
