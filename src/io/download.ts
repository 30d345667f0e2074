// One file over HTTP: resumed where it was cut, tried again where a server is busy, and never half a file.
//
// A cut download goes on with `Range` only where the answer has the same validator (ETag or Last-Modified) as before;
// otherwise it starts again. `If-Range` would say the same, but it makes browsers ask other servers for permission first.
import { DownloadError } from "../errors.js";
import { concatBytes, sha256 } from "./bytes.js";

export interface DownloadOptions {
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far and in all, as far as known. */
  readonly onBytes?: ((loaded: number, total: number) => void) | undefined;
  /** What the file's SHA-256 must be, in hexadecimal. */
  readonly sha256?: string | undefined;
  /** Larger files are refused before memory is taken; default 4 GiB. */
  readonly maxBytes?: number | undefined;
  /** Tries after the first; default 4. Every one that brings bytes gives them back. */
  readonly retries?: number | undefined;
  /** Milliseconds before the first of them, doubled each time; default 500. */
  readonly backOff?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as dead; default 30,000. */
  readonly stall?: number | undefined;
}

export interface Downloaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What changes whenever the file does: its ETag, else its date; null where the server tells neither. */
  readonly validator: string | null;
}

const RETRIES = 4;
const BACK_OFF = 500;
const STALL = 30_000;
const MAX_WAIT = 30_000;
const MAX_BYTES = 2 ** 32;
/** Statuses that may pass by themselves. */
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Downloads a file; undefined where there is none (404, 410).
 * @throws {DownloadError} with url, status and reason; signal.reason on abort
 */
export async function download(url: string, options: DownloadOptions = {}): Promise<Downloaded | undefined> {
  const { signal, retries = RETRIES, backOff = BACK_OFF } = options;
  const file = new PartialFile(url, options);
  for (let failures = 0; ; ) {
    signal?.throwIfAborted();
    const before = file.loaded;
    const outcome = await attempt(file, options);
    if (outcome === "missing") return undefined;
    if (outcome === "complete") return file.finish();
    if (file.loaded > before) failures = 0;
    if (failures++ >= retries) throw outcome.error;
    await pause(Math.max(outcome.wait, Math.min(MAX_WAIT, backOff * 2 ** (failures - 1))), signal);
  }
}

/** What the server says of a file without sending it: null where it says nothing, undefined where it does not answer. */
export async function validatorOf(
  url: string,
  options: Pick<DownloadOptions, "fetch" | "signal" | "stall"> = {},
): Promise<string | null | undefined> {
  const { fetch = globalThis.fetch, signal, stall = STALL } = options;
  const limit = timeLimit(stall, signal);
  try {
    const response = await fetch(url, { method: "HEAD", signal: limit.signal, cache: "no-cache" });
    return response.ok ? validator(response) : null;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  } finally {
    limit.end();
  }
}

/** An error that another try may mend, and milliseconds that the server asks to wait. */
interface Failure {
  readonly error: DownloadError;
  readonly wait: number;
}

async function attempt(
  file: PartialFile,
  options: DownloadOptions,
): Promise<Failure | "complete" | "missing"> {
  const { url } = file;
  const { fetch = globalThis.fetch, signal, stall = STALL } = options;
  const limit = timeLimit(stall, signal);
  try {
    const headers: Record<string, string> = file.loaded > 0 ? { Range: `bytes=${file.loaded}-` } : {};
    const response = await fetch(url, { headers, signal: limit.signal });
    if (response.status === 404 || response.status === 410) return "missing";
    if (response.status === 416) {
      file.restart();
      return failed(url, "the server has no rest of this file", 416);
    }
    if (BUSY.has(response.status)) {
      return failed(url, `the server answered ${response.status}`, response.status, retryAfter(response));
    }
    if (!response.ok || !response.body) throw refusal(url, response.status);
    if (isPage(response)) {
      throw failure(url, "the answer is a web page, not a file", response.status, "web-page", PAGE_ADVICE);
    }
    if (!file.accept(response)) return failed(url, "the file changed on the server", response.status);
    const reader = response.body.getReader();
    for (;;) {
      limit.again();
      const { done, value } = await reader.read();
      if (done) break;
      file.add(value);
    }
    return file.complete ? "complete" : failed(url, `it ended after ${file.progress}`, response.status);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DownloadError) throw error;
    const why = limit.signal.aborted ? `nothing came for ${stall} ms` : (error as Error).message;
    return failed(url, `${why} (after ${file.progress})`, 0);
  } finally {
    limit.end(); // also of a body that was not read to its end
  }
}

/** The bytes of a file as they come, over several answers. */
class PartialFile {
  loaded = 0;
  #total: number | undefined;
  #validator: string | null = null;
  /** Bytes as one piece where their number is known, else in pieces. */
  #whole: Uint8Array<ArrayBuffer> | undefined;
  #pieces: Uint8Array[] = [];
  readonly #max: number;

  constructor(
    readonly url: string,
    readonly options: DownloadOptions,
  ) {
    this.#max = options.maxBytes ?? MAX_BYTES;
  }

  get complete(): boolean {
    return this.#total === undefined || this.loaded === this.#total;
  }

  get progress(): string {
    return `${this.loaded} of ${this.#total ?? "unknown"} bytes`;
  }

  restart(): void {
    this.loaded = 0;
    this.#pieces = [];
  }

  /** Prepares for an answer's bytes; false where they do not go with those that are here. */
  accept(response: Response): boolean {
    const tag = validator(response);
    if (response.status === 206) {
      const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
      if (tag === this.#validator && tag !== null && (!range || Number(range[1]) === this.loaded))
        return true;
      this.restart();
      return false;
    }
    this.restart();
    this.#validator = tag;
    this.#total = bodyLength(response);
    this.#check(this.#total ?? 0);
    try {
      this.#whole = this.#total === undefined ? undefined : new Uint8Array(this.#total);
    } catch {
      throw this.#tooLarge(this.#total ?? 0, "this browser has no memory for");
    }
    this.options.onBytes?.(0, this.#total ?? 0);
    return true;
  }

  add(piece: Uint8Array): void {
    const end = this.loaded + piece.length;
    this.#check(end);
    if (this.#whole && end > this.#whole.length) {
      throw failure(this.url, `it is longer than the ${this.#whole.length} bytes announced`, 200, "length");
    }
    if (this.#whole) this.#whole.set(piece, this.loaded);
    else this.#pieces.push(piece);
    this.loaded = end;
    this.options.onBytes?.(end, Math.max(end, this.#total ?? 0));
  }

  async finish(): Promise<Downloaded> {
    const bytes = this.#whole ?? concatBytes(this.#pieces);
    const { sha256: wanted } = this.options;
    if (await hasSha256(bytes, wanted)) return { bytes, validator: this.#validator };
    const why = `its SHA-256 is ${await sha256(bytes)}, but must be ${wanted}`;
    throw failure(this.url, why, 200, "sha256");
  }

  #check(bytes: number): void {
    if (bytes > this.#max) throw this.#tooLarge(bytes, `at most ${this.#max} are read, but it has`);
  }
  #tooLarge(bytes: number, why: string): DownloadError {
    return failure(this.url, `${why} ${bytes} bytes`, 200, "too-large", "Use a smaller file.");
  }
}

function validator({ headers }: Response): string | null {
  return headers.get("etag") ?? headers.get("last-modified");
}

/** Length of the body as it is read; unknown where the server compresses it, or may without our seeing it. */
function bodyLength({ headers, type }: Response): number | undefined {
  const encoding = headers.get("content-encoding");
  const hidden = type === "cors" && /json|text/.test(headers.get("content-type") ?? "");
  const length = headers.get("content-length");
  if (length === null || hidden || (encoding !== null && encoding !== "identity")) return undefined;
  return Number(length);
}

/** Whether bytes have the SHA-256 that is wanted, if one is. */
export async function hasSha256(
  bytes: Uint8Array<ArrayBuffer>,
  wanted: string | undefined,
): Promise<boolean> {
  return wanted === undefined || (await sha256(bytes)) === wanted.toLowerCase();
}

function isPage({ headers }: Response): boolean {
  return /^text\/html\b/i.test(headers.get("content-type") ?? "");
}

/** Milliseconds. */
function retryAfter({ headers }: Response): number {
  const seconds = Number(headers.get("retry-after") ?? 0);
  return Number.isFinite(seconds) ? Math.min(MAX_WAIT, Math.max(0, 1000 * seconds)) : 0;
}

const AGAIN = "Check the connection and load the model again.";
const PAGE_ADVICE = "Check the address: a login page, or a site that answers every path, may be in between.";

function failure(url: string, why: string, status: number, reason: string, advice = AGAIN): DownloadError {
  return new DownloadError(`${url} was not downloaded: ${why}. ${advice}`, { url, status, reason });
}

function failed(url: string, why: string, status: number, wait = 0): Failure {
  return { error: failure(url, why, status, status === 0 ? "connection" : "server"), wait };
}

function refusal(url: string, status: number): DownloadError {
  const advice =
    status === 401 || status === 403
      ? "The repository may not exist, be private or ask for terms to be accepted: check its name, or download it by hand and choose the files."
      : "Check the address.";
  return failure(url, `the server answered ${status}`, status, "refused", advice);
}

interface TimeLimit {
  /** Aborts with the caller's, or once nothing has been heard for the time, or at the end. */
  readonly signal: AbortSignal;
  /** Something was heard. */
  again(): void;
  end(): void;
}

/** A limit of `ms` on silence. AbortSignal.any() would say half of it, but browsers of 2023 lack it. */
function timeLimit(ms: number, signal: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController();
  const stop = () => controller.abort();
  let timer = setTimeout(stop, ms);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    again() {
      clearTimeout(timer);
      timer = setTimeout(stop, ms);
    },
    end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      stop();
    },
  };
}

/** @throws signal.reason on abort, at once */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
    signal?.addEventListener("abort", end, { once: true });
  });
}
