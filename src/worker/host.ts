// The worker's side: makes models, answers calls, and holds a Web Lock so that its end is noticed.
import { expose, type Remote, releaseProxy, transfer } from "comlink";
import { DisposedError } from "../errors.js";
import type { Model, ProgressEvent } from "../types.js";
import type { Connect, EngineFactory, Host, RunRequest } from "./protocol.js";
import { type AheadIterator, readAhead } from "./read-ahead.js";
import { sendError } from "./sent-error.js";

/** Finished steps that may wait in the worker: a slow page does not starve the GPU, a page that stops asking stops it. */
export const STEPS_AHEAD = 8;

/** A call that has not ended. */
interface Call {
  readonly model: number;
  readonly abort: AbortController;
  readonly run?: Run;
}

interface Run {
  readonly steps: AheadIterator<unknown>;
  finish(): Promise<unknown>;
}

/** Answers every page that connects to this worker, with models of `engines`. */
export function exposeHost(engines: EngineFactory): void {
  globalThis.addEventListener("message", ({ data }: MessageEvent<Partial<Connect> | undefined>) => {
    if (data?.type === "webgpu-reformer:connect" && data.port) {
      expose(withSentErrors(createHost(engines)), data.port);
    }
  });
}

function createHost(engines: EngineFactory): Host {
  const models = new Map<number, Model>();
  const calls = new Map<number, Call>();

  const modelOf = (id: number): Model => {
    const model = models.get(id);
    if (!model) throw new DisposedError("This model was disposed: create or load it again.");
    return model;
  };
  const runOf = (id: number): Run | undefined => calls.get(id)?.run;

  async function answer<T>(
    model: number,
    call: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController();
    calls.set(call, { model, abort });
    try {
      return await work(abort.signal);
    } finally {
      calls.delete(call);
    }
  }

  return {
    async hello(lock) {
      await holdLock(lock);
      return { gpu: Boolean(navigator.gpu) };
    },

    open: (id, call, source, options, onProgress) =>
      answer(id, call, async (signal) => {
        const delivered: unknown[] = [];
        const report = onProgress && ((event: ProgressEvent) => void delivered.push(onProgress(event)));
        const engineOptions = { ...options, signal, onProgress: report };
        try {
          const model = await ("files" in source
            ? engines.load(source.files, engineOptions)
            : engines.create(source.config, engineOptions));
          await Promise.all(delivered); // they take another channel: none may arrive after the model
          if (signal.aborted) await model.dispose();
          signal.throwIfAborted();
          models.set(id, model);
        } finally {
          (onProgress as Remote<() => void> | undefined)?.[releaseProxy]();
        }
      }),

    describe: (id) => modelOf(id).describe(),

    async files(id) {
      const files = await modelOf(id).files();
      return transfer(files, [...new Set(Object.values(files).map(({ buffer }) => buffer))]);
    },

    evaluate: (id, call, text, options) =>
      answer(id, call, (signal) => modelOf(id).evaluate(text, { ...options, signal })),

    async start(id, call, request) {
      const abort = new AbortController();
      calls.set(call, { model: id, abort, run: startRun(modelOf(id), request, abort.signal) });
    },

    async next(call) {
      const run = runOf(call);
      if (!run) return { done: true, value: undefined };
      let step: IteratorResult<unknown, undefined> | undefined;
      try {
        step = await run.steps.next();
        return step;
      } finally {
        if (!step || step.done) calls.delete(call);
      }
    },

    async finish(call) {
      try {
        return await runOf(call)?.finish();
      } finally {
        calls.delete(call);
      }
    },

    async stop(call) {
      const run = runOf(call);
      calls.delete(call);
      await run?.steps.stop();
    },

    async abort(id) {
      const call = calls.get(id);
      call?.abort.abort(new DOMException("The call was aborted.", "AbortError"));
      await call?.run?.steps.stop(); // it may be waiting for the page, where it cannot see the signal
    },

    async dispose(id) {
      const model = models.get(id);
      models.delete(id);
      for (const call of calls.values()) {
        if (call.model === id)
          call.abort.abort(new DisposedError("The model was disposed during this call."));
      }
      await model?.dispose();
    },
  };
}

function startRun(model: Model, request: RunRequest, signal: AbortSignal): Run {
  if (request.kind === "train") {
    const run = model.train(request.text, { ...request.options, signal });
    return { steps: readAhead(run, STEPS_AHEAD), finish: () => run.finish() };
  }
  const run = model.generate(request.text, { ...request.options, signal });
  return { steps: readAhead(run, STEPS_AHEAD), finish: () => run.text() };
}

/** Resolves once this worker has the lock; it keeps it until it ends. */
function holdLock(name: string): Promise<void> {
  const { locks } = navigator;
  if (!locks) return Promise.resolve();
  return new Promise((held) => {
    const forever = () => {
      held();
      return new Promise<never>(() => {});
    };
    locks.request(name, forever).catch(held); // refused in a sandboxed frame, which does without
  });
}

/** The same methods, whose errors are plain objects. */
function withSentErrors(host: Host): Host {
  const wrapped = Object.entries(host).map(([name, method]) => [
    name,
    async (...args: readonly unknown[]) => {
      try {
        return await (method as (...args: readonly unknown[]) => unknown)(...args);
      } catch (error) {
        throw sendError(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped);
}
