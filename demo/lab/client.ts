/** The page's side of the laboratory: one worker, started with the first experiment. */
import type { ExperimentName, FromLab, Lab, Params, ToLab, Told } from "./protocol.js";

/** An experiment that failed in the worker. */
export class LabError extends Error {
  constructor(
    override readonly name: string,
    message: string,
  ) {
    super(message);
  }
}

interface Run {
  readonly rows: unknown[];
  over: boolean;
  error: Error | null;
  wake(): void;
}

export class LabClient implements Lab {
  #worker: Worker | null = null;
  #runs = new Map<number, Run>();
  #next = 1;

  async *run<Name extends ExperimentName>(
    name: Name,
    params: Params<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<Told<Name>, void, undefined> {
    signal.throwIfAborted();
    const worker = this.#open();
    const id = this.#next++;
    const run: Run = { rows: [], over: false, error: null, wake: () => {} };
    this.#runs.set(id, run);
    const post = (message: ToLab) => worker.postMessage(message);
    const stop = () => post({ type: "abort", id });
    signal.addEventListener("abort", stop, { once: true });
    post({ type: "run", id, name, params });
    try {
      for (;;) {
        while (run.rows.length > 0) yield run.rows.shift() as Told<Name>;
        if (run.over) break;
        await new Promise<void>((resolve) => {
          run.wake = resolve;
        });
      }
      signal.throwIfAborted();
      if (run.error) throw run.error;
    } finally {
      signal.removeEventListener("abort", stop);
      if (!run.over) stop();
      // The GPU is free only when the worker says so.
      while (!run.over) {
        await new Promise<void>((resolve) => {
          run.wake = resolve;
        });
      }
      this.#runs.delete(id);
    }
  }

  #open(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "lab" });
    worker.onmessage = ({ data }: MessageEvent<FromLab>) => this.#take(data);
    worker.onerror = ({ message }) => {
      this.#worker = null; // the next experiment gets a new one
      for (const id of this.#runs.keys())
        this.#take({ type: "error", id, name: "WorkerDiedError", message: message || "the lab ended" });
    };
    this.#worker = worker;
    return worker;
  }

  #take(message: FromLab): void {
    const run = this.#runs.get(message.id);
    if (!run) return;
    if (message.type === "row") run.rows.push(message.row);
    else run.over = true;
    if (message.type === "error") run.error = new LabError(message.name, message.message);
    run.wake();
  }
}
