// The manifest names the files of a checkpoint with their sizes and hashes. It is small and replaced in one step, so it
// decides which checkpoint exists; it carries its own hash, so no byte of it can change unnoticed.
import { CheckpointError } from "../errors.js";
import { sha256, textBytes } from "./bytes.js";
import { isPlainName } from "./zip.js";

export const MANIFEST = "manifest.json";
const FORMAT = 1;

/** One complete checkpoint: the folder it lies in, and what must be in it. */
export interface Generation {
  readonly generation: number;
  readonly files: Readonly<Record<string, FileRecord>>;
}

export interface FileRecord {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface Manifest {
  readonly current: Generation;
  /** The checkpoint before, kept in case a file of the current one is damaged later. */
  readonly previous: Generation | null;
}

/** Records sizes and hashes. */
export async function describeFiles(
  generation: number,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Generation> {
  const records: Record<string, FileRecord> = {};
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isPlainName(name) || name === MANIFEST) {
      throw new CheckpointError(
        `${JSON.stringify(name)} cannot be a file of a checkpoint: use letters, digits, ".", "-" and "_".`,
      );
    }
    records[name] = { bytes: bytes.length, sha256: await sha256(bytes) };
  }
  return { generation, files: records };
}

/** @throws CheckpointError naming the file that is missing or differs from its record */
export async function checkFiles(
  generation: Generation,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const [file, record] of Object.entries(generation.files)) {
    const bytes = files.get(file);
    let problem: string | undefined;
    if (!bytes) problem = "is missing";
    else if (bytes.length !== record.bytes) problem = `has ${bytes.length} bytes instead of ${record.bytes}`;
    else if ((await sha256(bytes)) !== record.sha256)
      problem = "was changed after it was saved (its SHA-256 differs)";
    if (problem === undefined) continue;
    throw new CheckpointError(
      `${file} of checkpoint ${generation.generation} ${problem}: load the previous checkpoint, or another copy.`,
      { file, generation: generation.generation },
    );
  }
}

export async function writeManifest(manifest: Manifest): Promise<Uint8Array> {
  const content = { format: FORMAT, current: manifest.current, previous: manifest.previous };
  return textBytes(layOut({ ...content, sha256: await sha256(textBytes(layOut(content))) }));
}

/** @throws CheckpointError where a byte differs from what `writeManifest` wrote */
export async function readManifest(bytes: Uint8Array): Promise<Manifest> {
  const refuse = (problem: string): never => {
    throw new CheckpointError(
      `${MANIFEST} ${problem}: the checkpoint was damaged or is not of this library.`,
      { file: MANIFEST },
    );
  };
  let parsed: Partial<Manifest & { format: number }>;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) ?? {};
  } catch {
    return refuse("is not JSON");
  }
  if (parsed.format !== FORMAT)
    return refuse(`has format ${JSON.stringify(parsed.format)}, known is ${FORMAT}`);
  const { current, previous } = parsed;
  if (!isGeneration(current) || !(previous === null || isGeneration(previous))) {
    return refuse("does not describe a checkpoint");
  }
  const written = await writeManifest({ current, previous });
  const same = written.length === bytes.length && written.every((byte, i) => byte === bytes[i]);
  return same ? { current, previous } : refuse("was changed after it was saved (its SHA-256 differs)");
}

function layOut(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function isGeneration(value: unknown): value is Generation {
  const { generation, files } = (value ?? {}) as { generation?: unknown; files?: unknown };
  if (!Number.isSafeInteger(generation) || typeof files !== "object" || files === null) return false;
  return Object.entries(files).every(
    ([name, record]) =>
      isPlainName(name) && Number.isSafeInteger(record?.bytes) && /^[0-9a-f]{64}$/.test(record?.sha256),
  );
}
