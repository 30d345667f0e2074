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
  /** Settles with the work in progress, if there is any. */
  work?: Promise<unknown>;
}

interface OpenModel {
  readonly model: Model;
  readonly progress: ProgressChannel | undefined;
}

interface Run {
  readonly steps: AheadIterator<unknown>;
  finish(): Promise<unknown>;
  stop?(): void;
}

type Report = (event: ProgressEvent) => void;

/** The page's `onProgress`; the model may report as long as it lives. */
class ProgressChannel {
  /** Resolves when the page has seen everything reported so far. */
  delivered: Promise<unknown> = Promise.resolve();

  constructor(readonly remote: Remote<Report>) {}

  readonly report: Report = (event) => {
    this.delivered = Promise.all([this.delivered, this.remote(event)]);
    this.delivered.catch(() => {}); // thrown by the page's function, at whoever waits for it
  };

  close(): void {
    this.remote[releaseProxy]();
  }
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
  const models = new Map<number, OpenModel>();
  const calls = new Map<number, Call>();

  const modelOf = (id: number): Model => {
    const open = models.get(id);
    if (!open) throw new DisposedError("This model was disposed: create or load it again.");
    return open.model;
  };

  async function answer<T>(model: number, id: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const call: Call = { model, abort: new AbortController() };
    calls.set(id, call);
    try {
      const result = work(call.abort.signal);
      call.work = result;
      return await result;
    } finally {
      calls.delete(id);
    }
  }

  /** Resolves when nothing of the call runs any more. */
  async function ended({ run, work }: Call): Promise<void> {
    await Promise.allSettled([run?.steps.stop(), work]);
  }

  return {
    async hello(lock) {
      await holdLock(lock);
      return { gpu: Boolean(navigator.gpu) };
    },

    open: (id, call, origin, options, onProgress) =>
      answer(id, call, async (signal) => {
        const progress = onProgress && new ProgressChannel(onProgress as Remote<Report>);
        const engineOptions = { ...options, signal, onProgress: progress?.report };
        try {
          const model = await ("config" in origin
            ? engines.create(origin.config, engineOptions)
            : engines.load(origin.location, engineOptions));
          await progress?.delivered; // it is another channel: nothing may arrive after the model
          if (signal.aborted) await model.dispose();
          signal.throwIfAborted();
          models.set(id, { model, progress });
        } catch (error) {
          progress?.close();
          throw error;
        }
      }),

    describe: (id) => modelOf(id).describe(),

    async files(id, options) {
      const files = await modelOf(id).files(options);
      return transfer(files, [...new Set(Object.values(files).map(({ buffer }) => buffer))]);
    },

    evaluate: (id, call, text, options) =>
      answer(id, call, (signal) => modelOf(id).evaluate(text, { ...options, signal })),

    task: (id, call, { name, input, options }) =>
      answer(id, call, (signal) => {
        const model = modelOf(id);
        const task = model[name] as (input: unknown, options: object) => Promise<unknown>;
        return task.call(model, input, { ...options, signal });
      }),

    replaceHead: (id, options) => modelOf(id).replaceHead(options),

    async start(id, call, request) {
      const abort = new AbortController();
      calls.set(call, { model: id, abort, run: startRun(modelOf(id), request, abort.signal) });
    },

    async next(id) {
      const run = calls.get(id)?.run;
      if (!run) return { done: true, value: undefined };
      let step: IteratorResult<unknown, undefined> | undefined;
      try {
        step = await run.steps.next();
        return step;
      } finally {
        if (!step || step.done) calls.delete(id);
      }
    },

    async finish(id) {
      const call = calls.get(id);
      if (!call?.run) return undefined;
      try {
        call.work = call.run.finish();
        return await call.work;
      } finally {
        calls.delete(id);
      }
    },

    async windUp(id) {
      calls.get(id)?.run?.stop?.();
    },

    async stop(id) {
      const call = calls.get(id);
      if (call) await ended(call);
      calls.delete(id);
    },

    async abort(id) {
      const call = calls.get(id);
      call?.abort.abort(new DOMException("The call was aborted.", "AbortError"));
      await call?.run?.steps.stop(); // it may be waiting for the page, where it cannot see the signal
    },

    async dispose(id) {
      const open = models.get(id);
      models.delete(id);
      const running = [...calls.values()].filter((call) => call.model === id);
      const reason = new DisposedError("The model was disposed during this call.");
      for (const { abort } of running) abort.abort(reason);
      await Promise.all(running.map(ended)); // a run that ends saves its checkpoint
      await open?.model.dispose();
      open?.progress?.close();
    },
  };
}

function startRun(model: Model, request: RunRequest, signal: AbortSignal): Run {
  if (request.kind === "train") {
    const run = model.train(request.text, { ...request.options, signal });
    return { steps: readAhead(run, STEPS_AHEAD), finish: () => run.finish(), stop: () => run.stop() };
  }
  if (request.kind === "fineTune") {
    const run = model.fineTune(request.examples, { ...request.options, signal });
    return { steps: readAhead(run, STEPS_AHEAD), finish: () => run.finish(), stop: () => run.stop() };
  }
  const run = model.generate(request.prompts, { ...request.options, signal });
  return { steps: readAhead(run, STEPS_AHEAD), finish: () => run.texts() };
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
