/** Runs experiments away from the page's thread, one after the other, on one GPUDevice. */
import { Bench } from "./bench.js";
import { EXPERIMENTS } from "./experiments/index.js";
import type { FromLab, ToLab } from "./protocol.js";

const aborts = new Map<number, AbortController>();
const bench = new Bench();
let last: Promise<void> = Promise.resolve();

const post = (message: FromLab) => postMessage(message);

async function run({ id, name, params }: ToLab & { type: "run" }, signal: AbortSignal): Promise<void> {
  try {
    signal.throwIfAborted();
    const experiment = EXPERIMENTS[name] as (
      bench: Bench,
      params: unknown,
      signal: AbortSignal,
    ) => AsyncGenerator<unknown>;
    // What it still tells when it is stopped has happened, too.
    for await (const row of experiment(bench, params, signal)) post({ type: "row", id, row });
    post({ type: "end", id });
  } catch (error) {
    const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
    if (kind === "DeviceLostError") bench.forget();
    post(signal.aborted ? { type: "end", id } : { type: "error", id, name: kind, message });
  } finally {
    aborts.delete(id);
  }
}

addEventListener("message", ({ data }: MessageEvent<ToLab>) => {
  if (data.type === "abort") return aborts.get(data.id)?.abort();
  const abort = new AbortController();
  aborts.set(data.id, abort);
  last = last.then(() => run(data, abort.signal));
});
