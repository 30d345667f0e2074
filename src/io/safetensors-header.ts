// The header of a safetensors file: 8 bytes of length (little endian), then that much JSON that names every tensor with
// its dtype, shape and place; the bytes of the tensors follow and fill the file without holes.
// Source: the format's description in huggingface/safetensors. Strict: whatever is not exactly that is refused.
import { CheckpointError } from "../errors.js";
import { duplicateKey } from "./duplicate-key.js";

/** Bytes per element of every type this library reads. */
export const DTYPE_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type Dtype = keyof typeof DTYPE_BYTES;

/** One tensor's line in the header; `begin` and `end` are bytes from the start of the data. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data starts in the file. */
  readonly dataStart: number;
}

const OPEN_BRACE = 0x7b;

export const METADATA = "__metadata__";
export const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000; // the format's own limit
const MAX_TENSORS = 100_000; // far above any model; a header of millions would take seconds to refuse

/**
 * Reads and checks the header of a file of `fileBytes` bytes, of which `start` holds at least the header.
 * @throws CheckpointError naming the file and what is wrong; `details.reason` is a word for programs
 */
export function readHeader(start: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  const refuse: Refuse = (reason, problem) => {
    throw new CheckpointError(`${file} is no valid safetensors file: ${problem}. Get the file again.`, {
      file,
      reason,
    });
  };
  const json = headerText(refuse, start, fileBytes);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    refuse("json", `the header is not JSON (${(error as Error).message})`);
  }
  const twice = duplicateKey(json);
  if (twice !== undefined) refuse("duplicate", `the name ${JSON.stringify(twice)} occurs twice`);
  const dataStart = LENGTH_BYTES + headerBytes(start);
  const entries: TensorEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(parsed as object)) {
    if (name === METADATA) metadata = readMetadata(refuse, value);
    else entries.push(readEntry(refuse, name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) {
      const what = entry.begin < end ? "overlaps the tensor before it" : "leaves a hole before it";
      refuse("offsets", `tensor ${entry.name} at byte ${entry.begin} ${what}, which ends at ${end}`);
    }
    end = entry.end;
  }
  if (dataStart + end !== fileBytes) {
    refuse("length", `its tensors end at byte ${dataStart + end}, but the file has ${fileBytes}`);
  }
  return { entries, metadata, dataStart };
}

type Refuse = (reason: string, problem: string) => never;

function headerBytes(start: Uint8Array): number {
  return Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
}

function headerText(refuse: Refuse, start: Uint8Array, fileBytes: number): string {
  if (fileBytes < LENGTH_BYTES || start.length < LENGTH_BYTES) {
    refuse(
      "too-small",
      `it has ${fileBytes} bytes, needed are at least ${LENGTH_BYTES} for the header's length`,
    );
  }
  const length = headerBytes(start);
  if (length > MAX_HEADER_BYTES) {
    refuse("header-too-large", `the header claims ${length} bytes, allowed are ${MAX_HEADER_BYTES}`);
  }
  if (LENGTH_BYTES + length > Math.min(fileBytes, start.length)) {
    refuse(
      "header-length",
      `the header claims ${length} bytes, but the file ends after ${fileBytes - LENGTH_BYTES}`,
    );
  }
  const bytes = start.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
  if (bytes[0] !== OPEN_BRACE) refuse("header-start", 'the header does not begin with "{"');
  let objects = 0;
  for (let at = 0; at >= 0; at = bytes.indexOf(OPEN_BRACE, at + 1)) {
    if (objects++ > MAX_TENSORS) refuse("too-many", `the header names more than ${MAX_TENSORS} tensors`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse("utf-8", "the header is not UTF-8 text");
  }
}

function readMetadata(refuse: Refuse, value: unknown): ReadonlyMap<string, string> {
  const entries = isObject(value) ? Object.entries(value) : undefined;
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === "string";
  return entries?.every(isText)
    ? new Map(entries)
    : refuse("metadata", `${METADATA} must map strings to strings`);
}

function readEntry(refuse: Refuse, name: string, value: unknown): TensorEntry {
  if (!isObject(value) || Object.keys(value).sort().join() !== "data_offsets,dtype,shape") {
    return refuse("entry", `tensor ${name} must have dtype, shape and data_offsets, and nothing else`);
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    return refuse(
      "dtype",
      `tensor ${name} has dtype ${JSON.stringify(dtype)}, known are ${Object.keys(DTYPE_BYTES).join(", ")}`,
    );
  }
  if (!isCounts(shape)) return refuse("shape", `tensor ${name} has shape ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    return refuse("offsets", `tensor ${name} has data_offsets ${JSON.stringify(offsets)}`);
  }
  const [begin = 0, end = 0] = offsets;
  const size = shape.reduce((product, axis) => product * axis, DTYPE_BYTES[dtype as Dtype]);
  if (!Number.isSafeInteger(size))
    return refuse("overflow", `tensor ${name} of shape [${shape}] is too large to address`);
  if (end - begin !== size) {
    return refuse(
      "size",
      `tensor ${name} has ${end - begin} bytes, but shape [${shape}] of ${dtype} takes ${size}`,
    );
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether this is a list of whole numbers ≥ 0 that JavaScript holds exactly. */
export function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
