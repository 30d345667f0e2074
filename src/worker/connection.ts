// The page's side of one worker: calls that always settle. Comlink alone would leave them pending when the worker ends.
import { type Remote, releaseProxy, wrap } from "comlink";
import { type ReformerError, WorkerDiedError } from "../errors.js";
import type { Connect, Host } from "./protocol.js";
import { receiveError } from "./sent-error.js";

export interface ConnectionOptions {
  /** Terminate the worker with the connection. */
  readonly owned: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until a worker that does not answer the first call is given up. */
  readonly timeout?: number | undefined;
}

const HELLO_TIMEOUT = 10_000; // loading the script over a slow line included

/**
 * Connects to a worker that runs `exposeHost`.
 * @throws {WorkerDiedError} where it does not load or does not answer
 */
export async function connect(worker: Worker, options: ConnectionOptions): Promise<Connection> {
  const { signal, timeout = HELLO_TIMEOUT } = options;
  const connection = new Connection(worker, options.owned);
  const timer = setTimeout(() => {
    connection.close(
      new WorkerDiedError(
        `The worker did not answer within ${timeout} ms: its script must import "webgpu-reformer/worker".`,
        { timeout },
      ),
    );
  }, timeout);
  try {
    await connection.greet(signal);
    return connection;
  } catch (error) {
    connection.close(new WorkerDiedError("The worker was not used."));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A worker and the calls that wait for it. */
export class Connection {
  /** Whether the worker sees WebGPU; known once it has answered. */
  gpu = false;
  /** The worker's side; its errors are plain objects, which `call` turns back into classes. */
  readonly host: Remote<Host>;
  readonly #worker: Worker;
  readonly #owned: boolean;
  readonly #name = `webgpu-reformer-${Math.random()}-${Math.random()}`;
  readonly #pending = new Set<(reason: unknown) => void>();
  readonly #closed = new AbortController();
  #ids = 0;

  constructor(worker: Worker, owned: boolean) {
    this.#worker = worker;
    this.#owned = owned;
    const { port1, port2 } = new MessageChannel();
    this.host = wrap<Host>(port1);
    const { signal } = this.#closed;
    worker.addEventListener("error", this.#onError, { signal });
    worker.addEventListener("messageerror", this.#onError, { signal });
    port1.addEventListener("messageerror", this.#onError, { signal });
    worker.postMessage({ type: "webgpu-reformer:connect", port: port2 } satisfies Connect, [port2]);
  }

  /** Why every further call fails, once the worker has died or the connection was closed. */
  get end(): unknown {
    return this.#closed.signal.aborted ? this.#closed.signal.reason : undefined;
  }

  /** An id that no other call or model of this connection has. */
  newId(): number {
    return ++this.#ids;
  }

  /** First call: learns what the worker has, then waits for its end, when the browser hands its Web Lock to the page. */
  async greet(signal: AbortSignal | undefined): Promise<void> {
    const { gpu } = await this.call(() => this.host.hello(this.#name), signal);
    this.gpu = gpu;
    const died = () =>
      this.close(new WorkerDiedError("The worker ended before it answered: create or load the model again."));
    navigator.locks?.request(this.#name, { signal: this.#closed.signal }, died).catch(() => {
      // Closed first, or a sandboxed frame without locks.
    });
  }

  /**
   * Sends a call. It settles with the worker's answer, or rejects as soon as the worker dies, the connection is closed or
   * the signal aborts (with its reason).
   */
  call<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const end = signal?.aborted ? signal.reason : this.end;
    if (end !== undefined) return Promise.reject(end);
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => reject(signal?.reason);
      const settle = () => {
        this.#pending.delete(reject);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#pending.add(reject);
      signal?.addEventListener("abort", onAbort);
      send()
        .then(resolve, (error: unknown) => reject(receiveError(error)))
        .finally(settle);
    });
  }

  /** A call that the worker stops when the signal aborts. */
  async abortable<T>(send: (id: number) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const id = this.newId();
    const stopListening = this.forwardAbort(id, signal);
    try {
      return await this.call(() => send(id), signal);
    } finally {
      stopListening();
    }
  }

  /** Aborts the call in the worker when the signal aborts. Returns what stops listening. */
  forwardAbort(id: number, signal: AbortSignal | undefined): () => void {
    const onAbort = () => this.tell(() => this.host.abort(id));
    signal?.addEventListener("abort", onAbort);
    return () => signal?.removeEventListener("abort", onAbort);
  }

  /** Sends a call whose answer nobody needs. */
  tell(send: () => Promise<unknown>): void {
    this.call(send).catch(() => {});
  }

  /** Rejects all pending and later calls with `reason`; terminates the worker if it is owned. Idempotent. */
  close(reason: ReformerError): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(reason);
    for (const reject of this.#pending) reject(reason);
    this.#pending.clear();
    this.host[releaseProxy]();
    if (this.#owned) this.#worker.terminate();
  }

  readonly #onError = (event: Event): void => {
    const cause = event instanceof ErrorEvent && event.message ? event.message : "its script did not load";
    this.close(new WorkerDiedError(`The worker failed: ${cause}.`, { cause }));
  };
}
