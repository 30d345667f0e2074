// The pickle inside a PyTorch file, read as data: nothing is imported or run. The parser knows the whole format; the
// reader below lets through only the operations that torch.save writes (protocols 2 to 5), and the resolvers only the
// names in ALLOWED. Source: Python's pickletools, torch.serialization.
import { CheckpointError } from "../errors.js";
import { elements } from "../shapes.js";
import { DTYPE_BYTES, type Dtype, isCounts } from "./safetensors-header.js";

/** What a storage's Python class says of its elements. */
class StorageType {
  constructor(readonly dtype: Dtype) {
    Object.freeze(this);
  }
}

/** The bytes that tensors of a file share, by key; their place depends on the file's layout. */
export class Storage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype,
    /** Elements. */
    readonly length: number,
  ) {
    Object.freeze(this);
  }
}

/** A tensor as a window on a storage; offset and strides in elements. */
export class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    Object.freeze(this);
  }
}

const MAX_BYTES = 2 ** 19; // about 4,000 tensors; a model of 100 layers has 1,300
const MAX_TEXT = 1024; // characters of one name
const MAX_PARTS = 16_000; // lists, dictionaries and calls: 4 a tensor, at most some 4 MB
const MAX_AXES = 8;

const BUILD = 0x62;
const STOP = 0x2e;
const LONG1 = 0x8a;
const FRAME = 0x95;
/** Operations that make a list, a dictionary, a frame on the stack, or call something. */
const PARTS = codes(")]}(R");
/** Every operation that a saved dictionary of tensors needs: of protocols 2 and 3, then those that 4 and 5 add. */
const OPERATIONS = new Set([
  ...PARTS,
  ...codes("qrXcJKMNthjsueaQG0."),
  ...[0x80, 0x85, 0x86, 0x87, 0x88, 0x89, LONG1, BUILD],
  ...[0x8c, 0x93, 0x94, FRAME], // a text of up to 255 bytes, a name from two texts, MEMOIZE
]);

function codes(characters: string): Set<number> {
  return new Set(Array.from(characters, (character) => character.charCodeAt(0)));
}

const STORAGES = new Map(
  (
    [
      ["FloatStorage", "F32"],
      ["DoubleStorage", "F64"],
      ["HalfStorage", "F16"],
      ["BFloat16Storage", "BF16"],
      ["LongStorage", "I64"],
      ["IntStorage", "I32"],
      ["BoolStorage", "BOOL"],
      ["ByteStorage", "U8"],
    ] as const
  ).map(([name, dtype]) => [`torch.${name}`, new StorageType(dtype)]),
);

const ALLOWED: ReadonlyMap<unknown, unknown> = new Map<unknown, unknown>([
  ...STORAGES,
  ["torch._utils._rebuild_tensor_v2", Object.freeze(rebuildTensor)],
  ["torch._utils._rebuild_parameter", Object.freeze(rebuildParameter)],
  ["collections.OrderedDict", Object.freeze(orderedDictionary)],
]);

const CUT = "its pickle is cut off or larger than 512 KiB";

/** A problem in a pickle; `readPickle` adds the file. */
class PickleProblem extends Error {}

/** Hands the parser the bytes of one pickle, and refuses whatever torch.save would not have written. */
class PickleReader {
  position: number;
  readonly length: number;
  #view: DataView;
  #parts = 0;
  #last: number;

  constructor(
    readonly data: Uint8Array,
    start: number,
  ) {
    this.position = start;
    this.length = data.length;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#last = Math.min(start + MAX_BYTES, data.length);
  }

  /** The parser asks before every operation. */
  hasNext(): boolean {
    const code = this.data[this.position];
    if (code === undefined || this.position >= this.#last) throw new PickleProblem(CUT);
    if (!OPERATIONS.has(code)) {
      const name = `0x${code.toString(16).padStart(2, "0")}`;
      throw new PickleProblem(`it uses the pickle operation ${name}, which no saved model needs`);
    }
    // The parser lets BUILD write to any object. A dictionary's attributes are saved at the very end: they do no harm
    // there, because nothing uses an object afterwards.
    if (code === BUILD && this.data[this.position + 1] !== STOP) {
      throw new PickleProblem("it sets attributes of something inside");
    }
    if (code === LONG1 && (this.data[this.position + 1] ?? 0) > 6) {
      throw new PickleProblem("it holds a number above 2^48");
    }
    // A frame says how many bytes of the pickle follow; what is in it is read as it would be without.
    if (code === FRAME && this.#frame() > this.length) throw new PickleProblem(CUT);
    if (PARTS.has(code) && ++this.#parts > MAX_PARTS) {
      throw new PickleProblem(`it has more than ${MAX_PARTS} parts`);
    }
    return true;
  }
  /** Where the frame that begins here ends. */
  #frame(): number {
    const start = this.position + 9;
    return start > this.length ? start : start + Number(this.#view.getBigUint64(start - 8, true));
  }
  skip(count: number): void {
    this.position += count;
    if (this.position > this.#last) throw new PickleProblem(CUT);
  }
  #next(count: number): number {
    this.skip(count);
    return this.position - count;
  }
  byte(): number {
    return this.#view.getUint8(this.#next(1));
  }
  uint16(): number {
    return this.#view.getUint16(this.#next(2), true);
  }
  int32(): number {
    return this.#view.getInt32(this.#next(4), true);
  }
  uint32(): number {
    return this.#view.getUint32(this.#next(4), true);
  }
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#next(8), true));
  }
  float64(): number {
    return this.#view.getFloat64(this.#next(8), false);
  }
  bytes(count: number): Uint8Array {
    if (count > MAX_TEXT) throw new PickleProblem(`it holds a name of ${count} bytes`);
    const start = this.#next(count);
    return this.data.subarray(start, start + count);
  }
  string(count: number): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.bytes(count));
  }
  line(): string {
    const end = this.data.indexOf(0x0a, this.position);
    const text = this.string((end < 0 ? this.#last : end) - this.position);
    this.skip(1);
    return text;
  }
}

/** What is in a pickle, and where it ends. */
export interface Unpickled {
  readonly value: unknown;
  readonly end: number;
}

/**
 * Reads the pickle at `start`. Dictionaries come as Map, lists and tuples as arrays, tensors as StoredTensor.
 * @throws CheckpointError naming the file and, where something else than weights is in it, that
 */
export async function readPickle(data: Uint8Array, start: number, file: string): Promise<Unpickled> {
  const { Parser } = await import("pickleparser");
  const parser = new Parser({
    unpicklingTypeOfDictionary: "Map",
    unpicklingTypeOfSet: "Set",
    nameResolver: { resolve: allowed },
    persistentResolver: { resolve: (id: unknown) => storageOf(id) },
  });
  const reader = new PickleReader(data, start);
  try {
    return { value: parser.read(reader), end: reader.position };
  } catch (error) {
    const problem = error instanceof PickleProblem ? error.message : "its pickle is damaged";
    throw refused(file, problem);
  }
}

/** The error for a PyTorch file that cannot be read. */
export function refused(file: string, problem: string): CheckpointError {
  return new CheckpointError(
    `${file} is no PyTorch file of weights: ${problem}. Get the file again, or use model.safetensors instead.`,
    { file },
  );
}

// The parser's types want functions here; it only passes on what it gets.
function allowed(module: unknown, name: unknown): (...args: unknown[]) => unknown {
  if (typeof module !== "string" || typeof name !== "string") {
    throw new PickleProblem("it asks for something by what is no name");
  }
  const found = ALLOWED.get(`${module}.${name}`);
  if (found) return found as (...args: unknown[]) => unknown;
  throw new PickleProblem(
    `it asks for ${module}.${name}, and only ${[...ALLOWED.keys()].join(", ")} are weights`,
  );
}

function storageOf(id: unknown): Storage {
  if (!Array.isArray(id)) throw new PickleProblem("a storage is not described");
  const [kind, type, key, , length, view] = id as unknown[];
  const described =
    kind === "storage" && type instanceof StorageType && typeof key === "string" && isCounts([length]);
  if (!described || (view !== undefined && view !== null)) {
    throw new PickleProblem("a storage is not described as torch.save does");
  }
  return new Storage(key, type.dtype, length as number);
}

function orderedDictionary(...items: unknown[]): Map<unknown, unknown> {
  if (items.length > 0) throw new PickleProblem("an OrderedDict is not empty when it is made");
  return new Map();
}

function rebuildTensor(...[storage, offset, shape, strides]: unknown[]): StoredTensor {
  const valid =
    storage instanceof Storage &&
    isCounts([offset]) &&
    isCounts(shape) &&
    isCounts(strides) &&
    shape.length === strides.length &&
    shape.length <= MAX_AXES;
  if (!valid) throw new PickleProblem("a tensor is not described as torch.save does");
  const count = elements(shape);
  const reach = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 0);
  if (count > storage.length || (count > 0 && (offset as number) + reach >= storage.length)) {
    throw new PickleProblem(
      `a tensor of shape [${shape}] reaches beyond its ${storage.length} stored elements`,
    );
  }
  return new StoredTensor(storage, offset as number, [...shape], [...strides]);
}

/** A parameter saved as such, which is its tensor and whether it learns. */
function rebuildParameter(...[tensor]: unknown[]): StoredTensor {
  if (tensor instanceof StoredTensor) return tensor;
  throw new PickleProblem("a parameter is not described as torch.save does");
}

/** Bytes of a storage. */
export function storageBytes({ dtype, length }: Storage): number {
  return length * DTYPE_BYTES[dtype];
}
