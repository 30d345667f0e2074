/** How the studio writes: what a text begins with, and how its tokens are drawn. */
export interface WritingSettings {
  /** null: as the samples of the run begin. */
  readonly prompt: string | null;
  readonly temperature: number;
  /** 0: all. */
  readonly topK: number;
  readonly topP: number;
  readonly maxNewTokens: number;
  readonly seed: number;
}
export type WritingNumber = Exclude<keyof WritingSettings, "prompt">;

export const WRITING: WritingSettings = {
  prompt: null,
  temperature: 0.8,
  topK: 0,
  topP: 0.95,
  maxNewTokens: 200,
  seed: 1,
};

export const WRITING_RANGES: Readonly<Record<WritingNumber, readonly [min: number, max: number]>> = {
  temperature: [0, 2],
  topK: [0, 65_536],
  topP: [0.05, 1],
  maxNewTokens: [1, 65_536],
  seed: [0, 2 ** 32 - 1],
};
