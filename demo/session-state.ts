/** What the page knows at one moment, and how a training step changes it. */
import type { AdapterFound } from "./adapter.js";
import type { Curve } from "./curve.js";
import type { MemoryUse, ModelDescription, PlanOptions, ReformerOptions, TrainStep } from "./runtime.js";
import type { SavedRun } from "./saved-run.js";
import { modelConfig, planOptions, presetSettings, type Settings, suggestPreset } from "./settings.js";
import type { OwnText } from "./text-source.js";
import { WRITING, type WritingSettings } from "./writing-settings.js";

export type Phase = "idle" | "preparing" | "training" | "pausing" | "paused" | "done" | "stopped";

/** Phases in which a run holds the model. */
export const BUSY: readonly Phase[] = ["preparing", "training", "pausing"];

export interface Preparing {
  readonly phase: "download" | "upload" | "compile" | "encode";
  /** Share done, 0 to 1. */
  readonly share: number;
}

export interface Sample {
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

export interface SessionState {
  readonly phase: Phase;
  readonly adapter: AdapterFound;
  readonly settings: Settings;
  readonly writing: WritingSettings;
  readonly ownText: OwnText | null;
  /** Characters of the text in use, once known. */
  readonly characters: number | null;
  readonly preparing: Preparing | null;
  readonly last: TrainStep | null;
  readonly heldOut: NonNullable<TrainStep["heldOut"]> | null;
  readonly savedStep: number | null;
  readonly recoveredFrom: number | null;
  /** What the engine wants known, in its words. */
  readonly notice: string | null;
  /** Newest first. */
  readonly samples: readonly Sample[];
  readonly model: ModelDescription | null;
  /** GPU memory while training, and the plan it belongs to. */
  readonly measured: { readonly key: string; readonly memory: MemoryUse } | null;
  /** Name of the file that the model came from. */
  readonly modelFile: string | null;
  readonly savedRun: SavedRun | null;
  readonly problem: Error | null;
}

/** State that belongs to a run and is gone with it. */
export const NO_RUN = {
  last: null,
  heldOut: null,
  savedStep: null,
  recoveredFrom: null,
  notice: null,
  samples: [],
} as const satisfies Partial<SessionState>;

export function initialState(adapter: AdapterFound): SessionState {
  return {
    ...NO_RUN,
    phase: "idle",
    adapter,
    settings: presetSettings(suggestPreset(adapter)),
    writing: WRITING,
    ownText: null,
    characters: null,
    preparing: null,
    model: null,
    measured: null,
    modelFile: null,
    savedRun: null,
    problem: null,
  };
}

/** What memory has to be planned for, and a name of it. */
export interface Plan {
  readonly config: ReformerOptions;
  readonly options: PlanOptions;
  readonly key: string;
}

export function planOf({ settings, model, modelFile }: SessionState): Plan {
  const config = modelFile && model ? model.config : modelConfig(settings);
  const options = planOptions(settings);
  return { config, options, key: JSON.stringify([config, options]) };
}

const BOOK_PROMPT = "The whale ";
/** Characters of a visitor's text that its samples begin with. */
const OWN_PROMPT = 10;

/** How samples begin. */
export function samplePromptOf({ ownText }: SessionState): string {
  if (!ownText) return BOOK_PROMPT;
  const [begins, goesOn] = [ownText.text.slice(0, OWN_PROMPT), ownText.text.slice(OWN_PROMPT)];
  // Not in the middle of a word, where words stand apart.
  return (/^[\p{L}\p{M}]/u.test(goesOn) && /^.*\s/su.exec(begins)?.[0]) || begins;
}

const MAX_SAMPLES = 12;

export function afterStep(state: SessionState, step: TrainStep, prompt: string): Partial<SessionState> {
  const { samples, heldOut, savedStep, recoveredFrom, notice } = state;
  const written = step.sample === undefined ? [] : [{ step: step.step, prompt, text: step.sample }];
  return {
    last: step,
    heldOut: step.heldOut ?? heldOut,
    savedStep: step.saved ? step.step : savedStep,
    recoveredFrom: step.recoveredFrom ?? recoveredFrom,
    notice: step.notice ?? notice,
    samples: [...written, ...samples].slice(0, MAX_SAMPLES),
  };
}

/** What to keep of a run, so that a later visit can go on with it; null before its first step. */
export function savedRunOf(state: SessionState, curve: Curve, began: number): SavedRun | null {
  const { settings, last, heldOut, ownText, savedStep, model, modelFile } = state;
  if (!last || !model) return null;
  return {
    settings,
    config: model.config,
    modelFile,
    step: savedStep ?? 0,
    steps: last.steps,
    heldOutBits: heldOut?.bitsPerCharacter ?? null,
    textName: ownText?.name ?? null,
    curve: curve.toData(),
    time: Date.now(),
    began,
  };
}
