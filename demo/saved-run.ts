/** The page's own record of the last run: its settings, curve and, for a visitor's file, the text. Weights are saved by the library. */
import type { CurveData } from "./curve.js";
import type { ModelFiles, ReformerOptions } from "./runtime.js";
import type { Settings } from "./settings.js";

export interface SavedRun {
  readonly settings: Settings;
  readonly config: ReformerOptions;
  /** Name of the file that the model came from, if it did. */
  readonly modelFile: string | null;
  readonly step: number;
  readonly steps: number;
  readonly heldOutBits: number | null;
  /** Name of the visitor's text; null for the book. */
  readonly textName: string | null;
  readonly curve: CurveData;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The same, of its first step; names the run. */
  readonly began: number;
}

/** What the run began with, where that is not the book and a new model. */
export interface RunOrigin {
  readonly text: string | undefined;
  readonly files: ModelFiles | undefined;
}

const [STORE, RUN, ORIGIN] = ["saved-run", "run", "origin"];

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("reformer-page", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function access<T>(
  mode: IDBTransactionMode,
  use: (store: IDBObjectStore) => IDBRequest<T> | undefined,
): Promise<T | undefined> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = use(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const readRun = (): Promise<SavedRun | undefined> => access("readonly", (store) => store.get(RUN));
export const readOrigin = (): Promise<RunOrigin | undefined> =>
  access("readonly", (store) => store.get(ORIGIN));

/** Keeps one run as it goes; what it began with is written once. */
export class RunKeeper {
  #began = false;

  async keep(run: SavedRun, origin: RunOrigin): Promise<void> {
    await access("readwrite", (store) => {
      if (!this.#began) store.put(origin, ORIGIN);
      return store.put(run, RUN);
    });
    this.#began = true;
  }
}

export async function forgetRun(): Promise<void> {
  await access("readwrite", (store) => void store.clear());
}
