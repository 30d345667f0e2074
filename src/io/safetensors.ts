// Reads and writes safetensors files. Reading copies nothing: tensors are views of the file's bytes.
import { CheckpointError, ShapeError } from "../errors.js";
import { elements } from "../shapes.js";
import { concatBytes, textBytes } from "./bytes.js";
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from "./half.js";
import {
  DTYPE_BYTES,
  type Dtype,
  isCounts,
  LENGTH_BYTES,
  METADATA,
  readHeader,
} from "./safetensors-header.js";

export type { Dtype };

/** A tensor as its bytes: row-major, little endian (as every machine with WebGPU is). */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface Safetensors {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * The tensors of a file, as views of `bytes`.
 * @param file its name, for messages
 * @throws CheckpointError for anything the format does not allow
 */
export function readSafetensors(bytes: Uint8Array, file = "The file"): Safetensors {
  const { entries, metadata, dataStart } = readHeader(bytes, bytes.length, file);
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset + dataStart + begin, end - begin);
    tensors.set(name, { dtype, shape, bytes: data });
  }
  return { tensors, metadata };
}

/**
 * A safetensors file in pieces, to be written one after another without a second copy of the data. Widest types first,
 * then by name, so that every tensor is aligned to its elements; the same tensors always give the same bytes.
 * @throws CheckpointError where a name, shape or length cannot be written
 */
export function safetensorsParts(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array[] {
  const order = [...tensors].sort(
    ([a, x], [b, y]) => DTYPE_BYTES[y.dtype] - DTYPE_BYTES[x.dtype] || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] = [];
  if (metadata.size > 0)
    header.push([METADATA, Object.fromEntries([...metadata].sort(([a], [b]) => (a < b ? -1 : 1)))]);
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of order) {
    const needed = elements(shape) * DTYPE_BYTES[dtype];
    if (name === METADATA || /\p{Cs}/u.test(name) || !isCounts(shape) || bytes.length !== needed) {
      throw new CheckpointError(
        `Tensor ${JSON.stringify(name)} cannot be written: ${bytes.length} bytes for shape [${shape}] of ${dtype}, which takes ${needed}; its name must be Unicode text other than ${METADATA}.`,
        { tensor: name },
      );
    }
    header.push([name, { dtype, shape, data_offsets: [end, end + bytes.length] }]);
    end += bytes.length;
  }
  const json = textBytes(JSON.stringify(Object.fromEntries(header)));
  const padded = new Uint8Array(LENGTH_BYTES + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - LENGTH_BYTES), true);
  padded.set(json, LENGTH_BYTES);
  return [padded, ...order.map(([, tensor]) => tensor.bytes)];
}

/** The whole file at once; see `safetensorsParts`. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  return concatBytes(safetensorsParts(tensors, metadata));
}

/**
 * A tensor of numbers. F32, I32 and U32 share the array's memory; F16 and BF16 round an f32 array.
 * @throws ShapeError where the shape does not hold exactly these numbers
 */
export function makeTensor(
  shape: readonly number[],
  values: Float32Array | Int32Array | Uint32Array,
  dtype: "F32" | "F16" | "BF16" | "I32" | "U32" = naturalDtype(values),
): Tensor {
  if (elements(shape) !== values.length) {
    throw new ShapeError(
      `shape [${shape}] holds ${elements(shape)} numbers, but ${values.length} were given.`,
    );
  }
  const own = dtype === naturalDtype(values);
  const narrow = dtype === "F16" ? floatToHalf : floatToBfloat;
  if (!own && !(values instanceof Float32Array && (dtype === "F16" || dtype === "BF16"))) {
    throw new ShapeError(
      `${naturalDtype(values)} numbers cannot be written as ${dtype}: convert the array first.`,
    );
  }
  const stored = own ? values : convert(values, Uint16Array, narrow);
  return { dtype, shape, bytes: new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength) };
}

function naturalDtype(values: Float32Array | Int32Array | Uint32Array): "F32" | "I32" | "U32" {
  if (values instanceof Float32Array) return "F32";
  return values instanceof Int32Array ? "I32" : "U32";
}

/** The array type of each dtype; F16 and BF16 as their bits. */
interface Arrays {
  F64: Float64Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  F32: Float32Array;
  I32: Int32Array;
  U32: Uint32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I16: Int16Array;
  U16: Uint16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

const VIEWS: {
  readonly [D in Dtype]: new (
    buffer: ArrayBufferLike,
    at: number,
    length: number,
  ) => Arrays[D];
} = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** The numbers of a tensor in their own type: a view where they are aligned, else a copy. */
export function tensorValues<D extends Dtype>(tensor: Tensor & { readonly dtype: D }): Arrays[D] {
  const size = DTYPE_BYTES[tensor.dtype];
  const bytes = tensor.bytes.byteOffset % size === 0 ? tensor.bytes : new Uint8Array(tensor.bytes);
  return new VIEWS[tensor.dtype](bytes.buffer, bytes.byteOffset, bytes.length / size);
}

/**
 * The numbers of a float tensor as f32: a view for F32 where aligned, else a new array.
 * @throws CheckpointError for other types
 */
export function tensorFloats(tensor: Tensor, name = "The tensor"): Float32Array {
  const { dtype } = tensor;
  switch (dtype) {
    case "F32":
      return tensorValues({ ...tensor, dtype });
    case "F64":
      return new Float32Array(tensorValues({ ...tensor, dtype }));
    case "F16":
      return convert(tensorValues({ ...tensor, dtype }), Float32Array, halfToFloat);
    case "BF16":
      return convert(tensorValues({ ...tensor, dtype }), Float32Array, bfloatToFloat);
    default:
      throw new CheckpointError(`${name} holds ${dtype}, but floats are needed (F32, F16, BF16 or F64).`, {
        dtype,
      });
  }
}

/** A new array of converted numbers; much faster than `from`, which iterates. */
function convert<A extends Float32Array | Uint16Array>(
  values: ArrayLike<number>,
  Kind: new (length: number) => A,
  one: (value: number) => number,
): A {
  const out = new Kind(values.length);
  for (let i = 0; i < values.length; i++) out[i] = one(values[i] as number);
  return out;
}
