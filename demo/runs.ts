/** The runs of this browser, to compare: what was trained, on what, and what came of it. */
import { recall, remember } from "./remember.js";
import type { SessionState } from "./session-state.js";
import type { Settings } from "./settings.js";

export interface Run {
  /** Milliseconds since 1970 of its first step here; names the run. */
  readonly began: number;
  readonly adapter: string;
  readonly text: string;
  /** Null where the model came from a file or an address: then `model` names it. */
  readonly settings: Settings;
  readonly model: string | null;
  readonly parameters: number;
  readonly step: number;
  /** Bits per character, of the training text and of what was held out. */
  readonly trainBits: number;
  readonly heldOutBits: number | null;
  readonly tokensPerSecond: number;
  /** Bytes of GPU memory that were allocated. */
  readonly memory: number;
}

const KEY = "runs";
const MOST = 20;

export function knownRuns(): readonly Run[] {
  try {
    const kept: unknown = JSON.parse(recall(KEY) ?? "[]");
    return Array.isArray(kept) ? (kept as Run[]) : [];
  } catch {
    return [];
  }
}

/** Keeps a run in place of what was known of it; the newest first. */
export function keepRun(run: Run): void {
  const others = knownRuns().filter(({ began }) => began !== run.began);
  const all = [run, ...others].sort((a, b) => b.began - a.began).slice(0, MOST);
  remember(KEY, JSON.stringify(all));
}

export function forgetRuns(): void {
  remember(KEY, null);
}

/** What is known of the run of a state; null before its first step. */
export function runOf(state: SessionState, began: number, text: string): Run | null {
  const { last, model, settings, heldOut, measured, modelFile, adapter } = state;
  if (!last || !model) return null;
  return {
    began,
    adapter: adapter.name,
    text,
    settings,
    model: modelFile,
    parameters: model.parameters,
    step: last.step,
    trainBits: last.bitsPerCharacter,
    heldOutBits: heldOut?.bitsPerCharacter ?? null,
    tokensPerSecond: last.tokensPerSecond,
    memory: (measured?.memory ?? model.memory).total,
  };
}
