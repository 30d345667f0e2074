// Where a model runs: in a worker made from a URL, in one from a blob, in a given one, or on this thread.
import type { EngineOptions } from "./engine/opening.js";
import { ConfigError, DisposedError } from "./errors.js";
import type { CreateOptions, Model } from "./types.js";
import { openModel as openInWorker } from "./worker/client.js";
import { type Connection, connect } from "./worker/connection.js";
import type { ModelOrigin } from "./worker/protocol.js";

/** The kind of worker a model runs in; "none" is this thread. */
export type WorkerKind = "url" | "inline" | "given" | "none";

interface Place {
  readonly worker: WorkerKind;
  /** None: this thread. */
  readonly connection?: Connection;
}

/** What models on this thread get besides their options; `webgpu-reformer/node` gives them folders. */
export const hostOptions: {
  openStore?: EngineOptions["openStore"];
  openChoices?: EngineOptions["openChoices"];
} = {};

const THIS_THREAD: Place = { worker: "none" };

const WORKERS = {
  url: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "webgpu-reformer" }),
  inline: async () => (await import("./inline.js")).createWorker(),
};

/**
 * Makes a model where the options say.
 * @throws {WorkerDiedError} where the worker that was asked for does not start
 */
export async function openModel(
  origin: ModelOrigin,
  { worker = "auto", device, ...options }: CreateOptions,
): Promise<{ readonly model: Model; readonly worker: WorkerKind }> {
  options.signal?.throwIfAborted();
  if (device && worker !== "auto" && worker !== "none") {
    throw new ConfigError('A GPUDevice cannot move to a worker: leave out `worker` or set it to "none".', {
      field: "worker",
    });
  }
  const place = device ? THIS_THREAD : await findPlace(worker, options.signal);
  const model = place.connection
    ? await openInWorker(place.connection, origin, options)
    : await openHere(origin, { ...hostOptions, ...options, device });
  return { model, worker: place.worker };
}

async function findPlace(
  worker: NonNullable<CreateOptions["worker"]>,
  signal: AbortSignal | undefined,
): Promise<Place> {
  if (worker instanceof Function)
    return { worker: "given", connection: await connect(worker(), { owned: true, signal }) };
  if (typeof worker === "object")
    return { worker: "given", connection: await connect(worker, { owned: false, signal }) };
  switch (worker) {
    case "none":
      return THIS_THREAD;
    case "auto":
      return findAnyPlace(signal);
    case "url":
    case "inline":
      return { worker, connection: await connect(await WORKERS[worker](), { owned: true, signal }) };
    default:
      throw new ConfigError(
        `worker is ${JSON.stringify(worker)}, but must be "auto", "url", "inline", "none", a Worker or a function that makes one.`,
        { field: "worker" },
      );
  }
}

/** A worker that starts, else this thread: bundlers lose worker files, policies forbid blobs, browsers lack WebGPU in workers. */
async function findAnyPlace(signal: AbortSignal | undefined): Promise<Place> {
  if (typeof Worker === "undefined") return THIS_THREAD;
  for (const worker of ["url", "inline"] as const) {
    try {
      const connection = await connect(await WORKERS[worker](), { owned: true, signal });
      if (connection.gpu) return { worker, connection };
      connection.close(new DisposedError("This worker has no WebGPU."));
      return THIS_THREAD;
    } catch {
      signal?.throwIfAborted();
    }
  }
  return THIS_THREAD;
}

async function openHere(origin: ModelOrigin, options: EngineOptions): Promise<Model> {
  const { Engine } = await import("./engine/engine.js");
  return "config" in origin ? Engine.create(origin.config, options) : Engine.load(origin.location, options);
}
