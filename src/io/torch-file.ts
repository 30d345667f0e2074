// Weights saved with torch.save: the zip of PyTorch 1.6 and later, and the older layout of several pickles in a row.
// Source: torch.serialization and caffe2's inline_container. Tensors are views of the file's bytes.
import { elements } from "../shapes.js";
import type { Tensor } from "./safetensors.js";
import { DTYPE_BYTES } from "./safetensors-header.js";
import { readPickle, refused, type Storage, StoredTensor, storageBytes } from "./torch-pickle.js";
import { readZip } from "./zip.js";

/** "PK\3\4" */
const ZIP = [0x50, 0x4b, 3, 4];
/** The number 0x1950a86a20f9469cfc6c and the version 1001 as pickles begin the older layout. */
const BEGINNING = [
  [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e],
  [0x4d, 0xe9, 3, 0x2e],
];
/** Both in every protocol; the newer ones frame them. */
const OLDER = [2, 3, 4, 5].map((protocol) =>
  BEGINNING.flatMap((body) => {
    const frame = protocol < 4 ? [] : [0x95, body.length, 0, 0, 0, 0, 0, 0, 0];
    return [0x80, protocol, ...frame, ...body];
  }),
);

const MAX_STORAGES = 100_000;

/**
 * The tensors of a .bin or .pt file by name. A tensor that is not stored row by row is copied; all copies together take
 * no more bytes than the file.
 * @param file its name, for messages
 * @throws CheckpointError for anything but a dictionary of tensors
 */
export async function readTorchFile(bytes: Uint8Array, file: string): Promise<ReadonlyMap<string, Tensor>> {
  const { stored, bytesOf } = startsWith(bytes, ZIP)
    ? await readZipLayout(bytes, file)
    : await readOlderLayout(bytes, file);
  let copied = 0;
  const tensors = new Map<string, Tensor>();
  for (const [name, one] of stored) {
    const { tensor, copy } = gather(one, bytesOf(one.storage));
    copied += copy;
    if (copied > bytes.length) throw refused(file, "its tensors repeat the same bytes");
    tensors.set(name, tensor);
  }
  return tensors;
}

interface Layout {
  readonly stored: ReadonlyMap<string, StoredTensor>;
  /** @throws CheckpointError where the storage is not there in full */
  readonly bytesOf: (storage: Storage) => Uint8Array;
}

/** `<any name>/data.pkl`, and `<any name>/data/<key>` for every storage. */
async function readZipLayout(bytes: Uint8Array, file: string): Promise<Layout> {
  const files = readZip(bytes, { isName: isInnerPath, file, advice: "Get the file again." });
  const pickles = [...files.keys()].filter((path) => /^[^/]+\/data\.pkl$/.test(path));
  const path = pickles[0];
  if (path === undefined || pickles.length > 1) {
    throw refused(file, `it has ${pickles.length} files data.pkl, needed is one`);
  }
  const folder = path.slice(0, path.indexOf("/"));
  const order = files.get(`${folder}/byteorder`);
  if (order && new TextDecoder().decode(order) !== "little") throw refused(file, "it is big-endian");
  const { value } = await readPickle(files.get(path) as Uint8Array, 0, file);
  const stored = checkDictionary(value, file);
  const bytesOf = (storage: Storage): Uint8Array => {
    const data = files.get(`${folder}/data/${storage.key}`);
    if (data?.length === storageBytes(storage)) return data;
    const given = data ? `has ${data.length} bytes` : "is missing";
    throw refused(file, `storage ${storage.key} ${given}, needed are ${storageBytes(storage)}`);
  };
  return { stored, bytesOf };
}

/** Two fixed pickles, one about the machine, the dictionary, the list of storages, then each as its length and bytes. */
async function readOlderLayout(bytes: Uint8Array, file: string): Promise<Layout> {
  const beginning = OLDER.find((one) => startsWith(bytes, one));
  if (beginning === undefined) {
    throw refused(file, "it begins neither as a zip nor as PyTorch's older layout");
  }
  const machine = await readPickle(bytes, beginning.length, file);
  if (!(machine.value instanceof Map) || machine.value.get("little_endian") !== true) {
    throw refused(file, "it is not little-endian");
  }
  const { value, end } = await readPickle(bytes, machine.end, file);
  const stored = checkDictionary(value, file);
  const list = await readPickle(bytes, end, file);
  const keys = list.value;
  if (!Array.isArray(keys) || keys.length > MAX_STORAGES || !keys.every((key) => typeof key === "string")) {
    throw refused(file, "it does not list its storages");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const widths = new Map(
    [...stored.values()].map(({ storage }) => [storage.key, DTYPE_BYTES[storage.dtype]]),
  );
  const starts = new Map<string, { at: number; length: number }>();
  let at = list.end;
  for (const key of keys) {
    if (at + 8 > bytes.length) throw refused(file, `it ends before storage ${key}`);
    const length = Number(view.getBigUint64(at, true));
    const width = widths.get(key);
    if (width === undefined || starts.has(key)) throw refused(file, `storage ${key} belongs to no tensor`);
    starts.set(key, { at: at + 8, length });
    at += 8 + length * width;
    if (at > bytes.length) throw refused(file, `it ends inside storage ${key}`);
  }
  const bytesOf = (storage: Storage): Uint8Array => {
    const found = starts.get(storage.key);
    if (found?.length !== storage.length) {
      throw refused(
        file,
        `storage ${storage.key} has ${found?.length ?? 0} elements, needed are ${storage.length}`,
      );
    }
    return bytes.subarray(found.at, found.at + storageBytes(storage));
  };
  return { stored, bytesOf };
}

function checkDictionary(value: unknown, file: string): ReadonlyMap<string, StoredTensor> {
  if (!(value instanceof Map)) throw refused(file, "it holds no dictionary of tensors");
  for (const [name, stored] of value as Map<unknown, unknown>) {
    if (typeof name === "string" && stored instanceof StoredTensor) continue;
    throw refused(file, `its entry ${typeof name === "string" ? name : "without a name"} is no tensor`);
  }
  return value;
}

/** A stored tensor with its elements in row-major order, and the bytes that had to be copied for that. */
function gather(stored: StoredTensor, data: Uint8Array): { tensor: Tensor; copy: number } {
  const { storage, offset, shape, strides } = stored;
  const width = DTYPE_BYTES[storage.dtype];
  const count = elements(shape);
  let step = 1;
  const inRows = shape.reduceRight((rows, size, axis) => {
    const fits = rows && (size === 1 || strides[axis] === step);
    step *= size;
    return fits;
  }, true);
  if (inRows || count === 0) {
    const bytes = data.subarray(offset * width, (offset + count) * width);
    return { tensor: { dtype: storage.dtype, shape, bytes }, copy: 0 };
  }
  const bytes = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    const from = index.reduce((sum, position, axis) => sum + position * (strides[axis] as number), offset);
    bytes.set(data.subarray(from * width, (from + 1) * width), i * width);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return { tensor: { dtype: storage.dtype, shape, bytes }, copy: bytes.length };
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

/** Whether a zip entry's path stays inside the zip. */
function isInnerPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return !/[\\:\u0000-\u001f]|^\/|(^|\/)\.\.?(\/|$)/.test(path) && path !== "";
}
