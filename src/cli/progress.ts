// What training looks like in a terminal: one line that is rewritten, or a line now and then where output is a file.
import type { TrainStep } from "../types.js";

/** Where progress is written; `process.stdout` fits. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Milliseconds between lines where they cannot be rewritten. */
const QUIET_INTERVAL = 10_000;
/** Milliseconds between rewritings: more are not seen. */
const REWRITE_INTERVAL = 100;
const BAR_WIDTH = 20;
const DEFAULT_COLUMNS = 80;
const ERASE_LINE = "\r\u001b[2K";

/** "1.23 GiB": three significant digits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toPrecision(value >= 1000 ? 4 : 3)} ${units[power]}`;
}

/** "0:05", "12:34", "1:02:03". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.max(0, Math.round(seconds));
  const part = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${part(minutes)}:${part(whole % 60)}` : `${minutes}:${part(whole % 60)}`;
}

/** "[#####---------------]". */
export function formatBar(share: number, width = BAR_WIDTH): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `[${"#".repeat(done)}${"-".repeat(width - done)}]`;
}

/** One line of a run: step, loss (nats per token), bits per character (train and held-out), speed, time left. */
export function formatStep(
  { step, steps, loss, bitsPerCharacter, tokensPerSecond, secondsLeft }: TrainStep,
  heldOut: TrainStep["heldOut"],
): string {
  const held = heldOut ? `, held-out ${heldOut.bitsPerCharacter.toFixed(3)}` : "";
  const speed = Math.round(tokensPerSecond).toLocaleString("en-US");
  return [
    `step ${String(step).padStart(String(steps).length)}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    `bits/char ${bitsPerCharacter.toFixed(3)}${held}`,
    `${speed} tokens/s`,
    `${formatDuration(secondsLeft)} left`,
  ].join("  ");
}

/** Shows a run. Text printed through it stays above the line that is rewritten. */
export class Progress {
  #heldOut: TrainStep["heldOut"];
  #line = "";
  #shown = Number.NEGATIVE_INFINITY;

  constructor(
    readonly output: Output,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** A line that stays. */
  print(text: string): void {
    this.#erase();
    this.output.write(`${text}\n`);
    this.#rewrite();
  }

  /** Work before the first step; terminals only. */
  stage(name: string, loaded: number, total: number): void {
    if (!this.output.isTTY) return;
    this.#line = `${formatBar(loaded / total)} ${name} ${loaded}/${total}`;
    this.#rewrite();
  }

  step(step: TrainStep): void {
    this.#heldOut = step.heldOut ?? this.#heldOut;
    const text = formatStep(step, this.#heldOut);
    const last = step.step === step.steps;
    const due = this.now() - this.#shown >= (this.output.isTTY ? REWRITE_INTERVAL : QUIET_INTERVAL);
    if (!due && !last) return;
    this.#shown = this.now();
    if (this.output.isTTY) {
      this.#line = `${formatBar(step.step / step.steps)} ${text}`;
      this.#rewrite();
    } else {
      this.output.write(`${text}\n`);
    }
  }

  /** Leaves the last line where it is. */
  end(): void {
    if (this.#line) this.output.write("\n");
    this.#line = "";
  }

  #erase(): void {
    if (this.#line) this.output.write(ERASE_LINE);
  }

  #rewrite(): void {
    // One column stays free: some terminals wrap a full line, and a wrapped line cannot be erased.
    if (this.#line) {
      const room = (this.output.columns || DEFAULT_COLUMNS) - 1; // some terminals say 0
      this.output.write(ERASE_LINE + this.#line.slice(0, room));
    }
  }
}
