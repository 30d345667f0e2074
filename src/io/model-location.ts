// Where a model's files are: a model hub, a web address, a folder or files that a person chose, or memory.
import { CheckpointError, DownloadError } from "../errors.js";
import type { ModelFiles } from "../types.js";
import { type Downloaded, download, hasSha256, validatorOf } from "./download.js";
import { type ModelCache, openModelCache } from "./model-cache.js";

/** A place as it is sent to a worker. */
export type ModelLocation =
  | { readonly files: ModelFiles }
  | { readonly chosen: readonly File[] }
  | { readonly folder: FileSystemDirectoryHandle }
  | {
      /** Absolute; a file's name is added to its path. */
      readonly url: string;
      /** Its files never change: what was downloaded is not asked for again. */
      readonly fixed: boolean;
      /** Keep what is downloaded. */
      readonly cache: boolean;
      /** Where the model hub lists the files, with the SHA-256 of large ones. */
      readonly listing?: string | undefined;
      /** SHA-256 by file name, as the caller knows them; before those of the listing. */
      readonly integrity?: Readonly<Record<string, string>> | undefined;
    };

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of a file so far, and in all as far as known. */
  readonly onBytes?: ((file: string, loaded: number, total: number) => void) | undefined;
  /** Something the person should know, in a sentence. */
  readonly onNotice?: ((notice: string) => void) | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Milliseconds without a byte after which a connection counts as dead; default 30,000. */
  readonly stall?: number | undefined;
  /** Default: the browser's private files. */
  readonly openCache?: (() => Promise<ModelCache | undefined>) | undefined;
}

/**
 * Reads one file of a model; undefined where there is none.
 * @throws {DownloadError}; signal.reason on abort
 */
export type ReadModelFile = (name: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;

/** A reader of the files at a place. */
export async function openLocation(
  location: ModelLocation,
  options: ReadOptions = {},
): Promise<ReadModelFile> {
  if ("files" in location) {
    const files = new Map(Object.entries(location.files));
    return async (name) => files.get(name);
  }
  if ("chosen" in location) {
    const files = new Map(location.chosen.map((file) => [file.name, file]));
    return async (name) => contentOf(files.get(name));
  }
  if ("folder" in location) {
    return async (name) => {
      try {
        return await contentOf(await (await location.folder.getFileHandle(name)).getFile());
      } catch (error) {
        if (error instanceof CheckpointError) throw error;
        if ((error as Error).name === "NotFoundError") return undefined;
        throw new CheckpointError(
          `${name} in the folder cannot be read (${error}): choose the folder again.`,
          {
            file: name,
          },
        );
      }
    };
  }
  const cache = location.cache ? await (options.openCache ?? openModelCache)() : undefined;
  return webReader(location, cache, options);
}

/**
 * Removes what was kept of a model's files, as they turned out to be of no use: the next visit gets them again.
 * @param names of the files
 */
export async function forgetFiles(
  location: ModelLocation,
  names: readonly string[],
  { openCache = openModelCache }: Pick<ReadOptions, "openCache"> = {},
): Promise<void> {
  if (!("url" in location) || !location.cache) return;
  const cache = await openCache();
  for (const name of names) await cache?.remove(addressOf(location.url, name));
}

/**
 * What `use` makes of a model's files. Where it finds fault with one of them, what was kept of all is removed; where it
 * finds that something else is missing, they stay.
 */
export async function useFiles<T>(
  location: ModelLocation,
  files: ModelFiles,
  use: () => Promise<T>,
  options: Pick<ReadOptions, "openCache"> = {},
): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof CheckpointError && Object.hasOwn(files, String(error.details.file))) {
      await forgetFiles(location, Object.keys(files), options);
    }
    throw error;
  }
}

function addressOf(folder: string, name: string): string {
  const whole = new URL(folder);
  whole.pathname += name;
  return whole.href;
}

/**
 * undefined also for an empty file, as a save that was interrupted may leave one.
 * @throws {CheckpointError} where the file has changed or gone since it was chosen, or is too large for memory
 */
async function contentOf(file: File | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!file) return undefined;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return bytes.length > 0 ? bytes : undefined;
  } catch (error) {
    throw new CheckpointError(`${file.name} cannot be read (${error}): choose the files again.`, {
      file: file.name,
    });
  }
}

/**
 * SHA-256 by file name, as the model hub lists them; none where it does not answer, or not as expected. The answer that sends
 * to a large file names it too, but a browser does not show that one.
 */
async function listedHashes(
  listing: string,
  { fetch, signal, stall }: ReadOptions,
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  try {
    const answer = await download(listing, { fetch, signal, stall, retries: 0, maxBytes: MAX_LISTING_BYTES });
    const files = JSON.parse(new TextDecoder().decode(answer?.bytes)) as ListedFile[];
    for (const { path, lfs } of files) {
      if (typeof path === "string" && typeof lfs?.oid === "string") hashes.set(path, lfs.oid);
    }
  } catch {
    signal?.throwIfAborted();
  }
  return hashes;
}

interface ListedFile {
  readonly path?: unknown;
  readonly lfs?: { readonly oid?: unknown } | null;
}

function webReader(
  { url, fixed, listing, integrity = {} }: Extract<ModelLocation, { url: string }>,
  cache: ModelCache | undefined,
  options: ReadOptions,
): ReadModelFile {
  const { signal, onBytes, onNotice, fetch, stall } = options;
  const given = new Map(Object.entries(integrity));
  let listed: Promise<ReadonlyMap<string, string>> | undefined;
  const hashOf = async (name: string) => {
    if (given.has(name) || !listing || name.endsWith(".json")) return given.get(name);
    listed ??= listedHashes(listing, options);
    return (await listed).get(name);
  };
  let noticed = false;
  let offline = false; // once nothing answered, one try for each file is enough
  const keep = async (address: string, { bytes, validator }: Downloaded) => {
    if (!cache || validator === null) return; // without a validator nobody could tell when it is out of date
    try {
      await cache.put(address, { bytes, validator });
    } catch (error) {
      if (!noticed) {
        onNotice?.(
          `The downloaded files are not kept on this computer (${(error as Error).message}): they will be downloaded again next time.`,
        );
      }
      noticed = true;
    }
  };
  return async (name) => {
    const address = addressOf(url, name);
    const kept = await cache?.get(address);
    const current = kept && !fixed ? await validatorOf(address, { fetch, signal, stall }) : kept?.validator;
    offline ||= kept !== undefined && current === undefined;
    // A server that does not answer, or says nothing of the file: the kept one is better than none.
    const unchanged = kept && (current ?? kept.validator) === kept.validator;
    // Of another SHA-256 than the caller's it is replaced by what the server has now, if that is right.
    if (unchanged && (await hasSha256(kept.bytes, given.get(name)))) {
      onBytes?.(name, kept.bytes.length, kept.bytes.length);
      return kept.bytes;
    }
    const found = await download(address, {
      fetch,
      signal,
      stall,
      retries: offline ? 0 : undefined,
      onBytes: onBytes && ((loaded, total) => onBytes(name, loaded, total)),
      maxBytes: name.endsWith(".json") ? MAX_JSON_BYTES : undefined,
      sha256: await hashOf(name),
    }).catch((error: unknown) => {
      offline ||= isOffline(error);
      throw error;
    });
    if (found) await keep(address, found);
    return found?.bytes;
  };
}

const MAX_JSON_BYTES = 2 ** 28;
const MAX_LISTING_BYTES = 2 ** 24;

/** Whether a file was not found because there was no answer at all. */
export function isOffline(error: unknown): boolean {
  return error instanceof DownloadError && error.details.reason === "connection";
}
