/** A laboratory whose numbers are formulas: stations and the model at the top go through their lives in milliseconds. */
import type { ExperimentName, Lab, Params, Told } from "../../../demo/lab/protocol.js";

/** Milliseconds between two rows. */
const ROW = 15;
/** Steps that the model at the top takes after it was told to pause. */
const FINISHES = 3;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class FakeLab implements Lab {
  /** What has been asked, for tests to read: `window.asked`. */
  readonly asked: { readonly name: string; readonly params: unknown }[] = [];
  /** Steps that each of the models at the top has taken, by seed. */
  readonly #taken = new Map<number, number>();

  async *run<Name extends ExperimentName>(
    name: Name,
    params: Params<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<Told<Name>, void, undefined> {
    signal.throwIfAborted();
    this.asked.push({ name, params });
    const rows = this.#rows(name, params, signal) as AsyncGenerator<Told<Name>>;
    for await (const row of rows) yield row;
    signal.throwIfAborted();
  }

  #rows(name: ExperimentName, params: unknown, signal: AbortSignal): AsyncGenerator<unknown> {
    if (name === "duplication") return this.#duplication(params as Params<"duplication">, signal);
    if (name === "attention") return attention(params as Params<"attention">, signal);
    if (name === "training") return training(params as Params<"training">, signal);
    if (name === "architecture") return architecture(params as Params<"architecture">);
    throw new Error(`the fake laboratory has no ${name}`);
  }

  async *#duplication({ seed, steps, most }: Params<"duplication">, signal: AbortSignal) {
    const reached = this.#taken.get(seed) ?? 0;
    if (!this.#taken.has(seed)) await sleep(20 * ROW); // it compiles
    yield { kind: "start", step: reached, seconds: 0, parameters: 1000, floor: 1.875 };
    let left = Number.POSITIVE_INFINITY;
    for (let step = reached + 1; step <= Math.min(steps, reached + most); step++) {
      await sleep(ROW);
      if (signal.aborted) left = Math.min(left, FINISHES);
      if (left-- <= 0) return;
      this.#taken.set(seed, step);
      yield { kind: "step", step, bits: seed === 1 ? 4.6 - (2.7 * step) / steps : 4.6 };
    }
  }
}

async function* attention({ cases }: Params<"attention">, signal: AbortSignal) {
  for (const { length, rounds } of cases) {
    await sleep(ROW);
    signal.throwIfAborted();
    const milliseconds = rounds === 0 ? length ** 2 / 1e4 : (rounds * length) / 20;
    yield { length, rounds, milliseconds, expected: null, bytes: 1024 * length };
  }
}

async function* training({ runs }: Params<"training">, signal: AbortSignal) {
  for (const { name, options } of runs) {
    const steps = options.steps ?? 4;
    for (let step = 1; step <= steps; step++) {
      signal.throwIfAborted();
      const learningRate = ((options.learningRate ?? 1e-3) * (steps - step)) / steps;
      yield { kind: "step", run: name, step, bits: 5, loss: 3.5, gradientNorm: 1, learningRate };
    }
    await sleep(ROW);
    const over = { steps, milliseconds: 10, heldOut: 5, bytes: 2 ** 20, parameters: 1000, problem: null };
    yield { kind: "run", run: name, ...over };
  }
}

async function* architecture({ config }: Params<"architecture">) {
  const layers = (config.layers ?? []).map((_, i) => `layer${i}.attention`);
  yield {
    timed: true,
    dispatches: ["embedding", ...layers, "head"].map((label) => ({
      ...{ label, kernel: "matmul", workgroups: 1, nanoseconds: 1e6, flops: 1e6, bytes: 1e3 },
    })),
  };
}
