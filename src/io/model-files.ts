// Which files make a model, and the weights in them: one file or several with an index, safetensors or PyTorch's own.
import { CheckpointError, DownloadError } from "../errors.js";
import type { ModelFiles, ProgressEvent } from "../types.js";
import {
  isOffline,
  type ModelLocation,
  openLocation,
  type ReadModelFile,
  type ReadOptions,
} from "./model-location.js";
import { readSafetensors, type Tensor } from "./safetensors.js";
import { readTorchFile } from "./torch-file.js";
import { isPlainName } from "./zip.js";

export const CONFIG = "config.json";
export const TOKENIZER = "tokenizer.json";
export const SAFETENSORS = "model.safetensors";
const INDEX = ".index.json";
/** In order of preference. */
const WEIGHTS = [SAFETENSORS, SAFETENSORS + INDEX, "pytorch_model.bin", `pytorch_model.bin${INDEX}`] as const;
const MAX_SHARDS = 1000;

/**
 * The files of the model at a place, each read once.
 * @throws {CheckpointError} naming the file that is missing; {DownloadError}; signal.reason on abort
 */
export async function fetchModel(
  location: ModelLocation,
  options: Pick<ReadOptions, "fetch" | "signal" | "stall" | "openCache"> & {
    readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  },
): Promise<ModelFiles> {
  const { onProgress, ...rest } = options;
  const report = onProgress && downloadProgress(onProgress);
  const files = await collectModelFiles(await openLocation(location, { ...rest, ...report }));
  report?.end();
  return files;
}

/** Milliseconds between two events of one file. */
const EVENT_INTERVAL = 50;

/** All files as one download, in bytes that never go back; `total` grows as files become known. */
function downloadProgress(onProgress: (event: ProgressEvent) => void) {
  const files = new Map<string, { loaded: number; total: number }>();
  let loaded = 0;
  let total = 0;
  let told = Number.NEGATIVE_INFINITY;
  return {
    onBytes(file: string, done: number, all: number): void {
      files.set(file, { loaded: done, total: all });
      const sum = (field: "loaded" | "total") => [...files.values()].reduce((n, one) => n + one[field], 0);
      loaded = Math.max(loaded, sum("loaded"));
      total = Math.max(total, loaded, sum("total"));
      if (performance.now() - told < EVENT_INTERVAL && done < all) return;
      told = performance.now();
      onProgress({ phase: "download", loaded, total, file });
    },
    onNotice: (notice: string) => onProgress({ phase: "download", loaded, total, notice }),
    end(): void {
      if (total > loaded) onProgress({ phase: "download", loaded: total, total });
    },
  };
}

/**
 * Reads the files that a model needs, each once: settings, tokenizer where there is one, and one set of weights.
 * @throws {CheckpointError} naming the file that is missing; {DownloadError}
 */
export async function collectModelFiles(read: ReadModelFile): Promise<ModelFiles> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const take = async (name: string): Promise<boolean> => {
    const bytes = await read(name);
    if (bytes) files[name] = bytes;
    return bytes !== undefined;
  };
  if (!(await take(CONFIG))) {
    throw new CheckpointError(
      `There is no ${CONFIG}: a model needs it, weights and a tokenizer. Choose all files of a model; where saving into this folder was interrupted, save the model there again.`,
      { file: CONFIG },
    );
  }
  await optional(() => take(TOKENIZER));
  let offline: unknown;
  for (const name of WEIGHTS) {
    try {
      if (!(await optional(() => take(name)))) continue;
    } catch (error) {
      // Without a connection a later name may still be among the files that were kept.
      if (!isOffline(error)) throw error;
      offline ??= error;
      continue;
    }
    for (const shard of shardsOf(files, name)) {
      if (!(await take(shard))) throw missing(shard, [`the parts that ${name} lists`]);
    }
    return files;
  }
  throw offline ?? missing(SAFETENSORS, WEIGHTS);
}

/** False for a file that may be missing, also where the server answers every path with a page. */
async function optional(take: () => Promise<boolean>): Promise<boolean> {
  try {
    return await take();
  } catch (error) {
    if (error instanceof DownloadError && error.details.reason === "web-page") return false;
    throw error;
  }
}

export function missing(name: string, needed: readonly string[]): CheckpointError {
  return new CheckpointError(
    `There is no ${name}: a model needs ${needed.join(" or ")}. Choose all files of a model.`,
    { file: name },
  );
}

/** Weights as they are stored, and the file to name in messages. */
export interface StoredWeights {
  readonly file: string;
  /** By the names in the file; views of its bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * The weights among a model's files. Nothing is copied but what torch.save stored out of order.
 * @throws {CheckpointError} naming the file and what is wrong with it
 */
export async function readWeights(files: ModelFiles): Promise<StoredWeights> {
  const file = WEIGHTS.find((name) => files[name]);
  if (file === undefined) throw missing(SAFETENSORS, WEIGHTS);
  const tensors = new Map<string, Tensor>();
  for (const part of file.endsWith(INDEX) ? shardsOf(files, file) : [file]) {
    const bytes = files[part];
    if (!bytes) throw missing(part, [`the parts that ${file} lists`]);
    const read = part.endsWith(".safetensors")
      ? readSafetensors(bytes, part).tensors
      : await readTorchFile(bytes, part);
    for (const [name, tensor] of read) {
      if (tensors.has(name)) {
        throw new CheckpointError(`${part}: ${name} is in another part as well. Get the files again.`, {
          file: part,
          tensor: name,
        });
      }
      tensors.set(name, tensor);
    }
  }
  return { file, tensors };
}

/** Names of the files that an index lists; none where `name` is no index. */
function shardsOf(files: ModelFiles, name: string): readonly string[] {
  if (!name.endsWith(INDEX)) return [];
  const refuse = (problem: string): never => {
    throw new CheckpointError(`${name} ${problem}. Get the file again.`, { file: name });
  };
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(files[name]));
  } catch (error) {
    return refuse(`is not JSON (${(error as Error).message})`);
  }
  const map =
    typeof index === "object" && index !== null ? new Map(Object.entries(index)).get("weight_map") : null;
  if (typeof map !== "object" || map === null) return refuse("has no weight_map from tensors to files");
  const shards = [...new Set<unknown>(Object.values(map))];
  const ending = name.startsWith(SAFETENSORS) ? ".safetensors" : ".bin";
  for (const shard of shards) {
    if (typeof shard !== "string" || !isPlainName(shard) || !shard.endsWith(ending)) {
      refuse(`names ${JSON.stringify(shard)?.slice(0, 100)}, needed is the name of a ${ending} file`);
    }
  }
  if (shards.length === 0 || shards.length > MAX_SHARDS) {
    refuse(`lists ${shards.length} files, needed are 1 to ${MAX_SHARDS}`);
  }
  return shards as string[];
}
