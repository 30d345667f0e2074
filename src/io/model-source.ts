// What a person gives as a model, as a place that can be sent to a worker. Small: it is part of every page.
import { CheckpointError, ConfigError } from "../errors.js";
import type { ModelFiles } from "../types.js";
import type { ModelLocation } from "./model-location.js";

const HUB = "https://huggingface.co";
const REPOSITORY = /^[\w][\w.-]*\/[\w][\w.-]*$/;
const COMMIT = /^[0-9a-f]{40}$/;

/** What `Reformer.load` takes. */
export type ModelSource = string | URL | FileSystemDirectoryHandle | Iterable<File> | ModelFiles;

/**
 * @param base what relative addresses are relative to
 * @throws {CheckpointError} where this is no source of a model
 */
export function modelLocation(
  source: ModelSource,
  options: {
    readonly revision?: string | undefined;
    readonly cache?: boolean | undefined;
    readonly integrity?: Readonly<Record<string, string>> | undefined;
    readonly base?: string;
  },
): ModelLocation {
  const { revision = "main", cache = true, integrity, base } = options;
  const known = integrity && { integrity: checkedHashes(integrity) };
  if (typeof source === "string" && REPOSITORY.test(source)) {
    const version = encodeURIComponent(revision);
    const url = `${HUB}/${source}/resolve/${version}/`;
    const listing = `${HUB}/api/models/${source}/tree/${version}`;
    return { url, fixed: COMMIT.test(revision), cache, listing, ...known };
  }
  if (typeof source === "string" || source instanceof URL) {
    return { url: folderAddress(source, base), fixed: false, cache, ...known };
  }
  if (typeof source !== "object" || source === null) throw noSource(source);
  if (Symbol.iterator in source) {
    const chosen = [...source];
    if (chosen.length === 0 || !chosen.every((file) => file instanceof File)) throw noSource("a list");
    return { chosen };
  }
  if ("getFileHandle" in source) return { folder: source as FileSystemDirectoryHandle };
  const files = source as ModelFiles;
  if (Object.values(files).every((bytes) => bytes instanceof Uint8Array)) return { files };
  throw noSource("an object");
}

function checkedHashes(integrity: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [file, hash] of Object.entries(integrity)) {
    if (/^[0-9a-f]{64}$/i.test(hash)) continue;
    throw new ConfigError(
      `integrity of ${file} is ${JSON.stringify(hash)}, but must be a SHA-256: 64 hexadecimal digits.`,
      { field: "integrity" },
    );
  }
  return integrity;
}

function folderAddress(source: string | URL, base: string | undefined): string {
  try {
    if (typeof source === "string" && !/^(https?:|\.{0,2}\/)/.test(source)) throw noSource(source);
    const url = new URL(source, base);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url.href;
  } catch {
    throw noSource(source);
  }
}

function noSource(given: unknown): CheckpointError {
  return new CheckpointError(
    `A model cannot be loaded from ${typeof given === "string" ? given : typeof given}: give "owner/name" on the model hub, an address that begins with https:, / or ./, a folder or files that a person chose, or model.files().`,
  );
}
