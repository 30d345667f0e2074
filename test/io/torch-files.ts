// PyTorch files made by hand, byte for byte as torch.save lays them out, and as it never would.
import { concatBytes, textBytes } from "../../src/io/bytes.js";
import { zipParts } from "../../src/io/zip.js";

/** Pieces of a pickle: bytes, or text that stands for its character codes. */
export type Piece = string | number | Uint8Array;

export function pickle(...pieces: readonly Piece[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    pieces.map((piece) => {
      if (typeof piece === "number") return Uint8Array.of(piece);
      return typeof piece === "string" ? Uint8Array.from(piece, (c) => c.charCodeAt(0)) : piece;
    }),
  );
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** BINUNICODE. */
export function text(value: string): Uint8Array {
  const bytes = textBytes(value);
  return concatBytes([pickle("X"), u32(bytes.length), bytes]);
}

/** BININT. */
export function int(value: number): Uint8Array {
  return concatBytes([pickle("J"), u32(value >>> 0)]);
}

export function tuple(values: readonly number[]): Uint8Array {
  return pickle("(", ...values.map(int), "t");
}

export interface MadeTensor {
  readonly name: string;
  /** Of `torch`. */
  readonly storage: string;
  readonly key: string;
  readonly data: Uint8Array;
  /** Elements in the storage. */
  readonly length: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A tensor of floats, stored row by row. */
export function floats(
  name: string,
  key: string,
  shape: readonly number[],
  values: readonly number[],
): MadeTensor {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name, storage: "FloatStorage", key, data, length: values.length, shape, strides };
}

/** The value of one tensor on the pickle's stack. */
export function tensorPickle({ storage, key, length, offset = 0, shape, strides }: MadeTensor): Uint8Array {
  return pickle(
    "ctorch._utils\n_rebuild_tensor_v2\n((",
    text("storage"),
    `ctorch\n${storage}\n`,
    text(key),
    text("cpu"),
    int(length),
    "tQ",
    int(offset),
    tuple(shape),
    tuple(strides),
    0x89,
    "ccollections\nOrderedDict\n)RtR",
  );
}

/** What stands around the value of a tensor. */
type Wrapper = (tensor: Uint8Array) => Uint8Array;

/** An OrderedDict of tensors with the attribute that a module's state dictionary has. */
export function dictionaryPickle(
  tensors: readonly MadeTensor[],
  wrap: Wrapper = (tensor) => tensor,
): Uint8Array<ArrayBuffer> {
  const items = tensors.map((tensor) => pickle(text(tensor.name), wrap(tensorPickle(tensor))));
  return pickle(0x80, 2, "ccollections\nOrderedDict\n)R(", ...items, "u}", text("_metadata"), "}sb.");
}

/** The zip of torch.save around any pickle. */
export function zipFile(
  data: Uint8Array,
  storages: ReadonlyMap<string, Uint8Array>,
  folder = "archive",
): Uint8Array<ArrayBuffer> {
  const files = new Map([[`${folder}/data.pkl`, data]]);
  for (const [key, bytes] of storages) files.set(`${folder}/data/${key}`, bytes);
  files.set(`${folder}/version`, textBytes("3\n"));
  return concatBytes(zipParts(files));
}

export function torchZip(tensors: readonly MadeTensor[], wrap?: Wrapper): Uint8Array<ArrayBuffer> {
  return zipFile(dictionaryPickle(tensors, wrap), storagesOf(tensors));
}

/** The layout before PyTorch 1.6 around any pickle. */
export function olderFile(
  data: Uint8Array,
  storages: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly length: number }>,
): Uint8Array<ArrayBuffer> {
  return concatBytes([
    pickle(0x80, 2, 0x8a, 10, "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
    pickle(0x80, 2, 0x4d, 0xe9, 3, "."),
    pickle(0x80, 2, "}", text("little_endian"), 0x88, "s."),
    data,
    pickle(0x80, 2, "](", ...[...storages.keys()].map(text), "e."),
    ...[...storages.values()].flatMap(({ bytes, length }) => [
      new Uint8Array(BigUint64Array.of(BigInt(length)).buffer),
      bytes,
    ]),
  ]);
}

export function torchOlder(tensors: readonly MadeTensor[], wrap?: Wrapper): Uint8Array<ArrayBuffer> {
  const storages = tensors.map(({ key, data, length }) => [key, { bytes: data, length }] as const);
  return olderFile(dictionaryPickle(tensors, wrap), new Map(storages));
}

export function storagesOf(tensors: readonly MadeTensor[]): Map<string, Uint8Array> {
  return new Map(tensors.map(({ key, data }) => [key, data]));
}
