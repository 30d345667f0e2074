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

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

/** BINUNICODE; from protocol 4 on SHORT_BINUNICODE and MEMOIZE. */
export function text(value: string, protocol = 2): Uint8Array {
  const bytes = textBytes(value);
  if (protocol < 4) return concatBytes([pickle("X"), u32(bytes.length), bytes]);
  return pickle(0x8c, bytes.length, bytes, 0x94);
}

/** GLOBAL; from protocol 4 on STACK_GLOBAL of two texts, and MEMOIZE. */
export function named(module: string, name: string, protocol = 2): Uint8Array {
  if (protocol < 4) return pickle(`c${module}\n${name}\n`);
  return pickle(text(module, protocol), text(name, protocol), 0x93, 0x94);
}

/** A pickle with the mark of its protocol, from protocol 4 on in a frame. */
export function whole(protocol: number, ...pieces: readonly Piece[]): Uint8Array<ArrayBuffer> {
  const body = pickle(...pieces);
  return protocol < 4 ? pickle(0x80, protocol, body) : pickle(0x80, protocol, 0x95, u64(body.length), body);
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

/** The value of one tensor on the pickle's stack. From protocol 4 on, OrderedDict is the third thing in the memo. */
export function tensorPickle(
  { storage, key, length, offset = 0, shape, strides }: MadeTensor,
  protocol = 2,
): Uint8Array {
  return pickle(
    named("torch._utils", "_rebuild_tensor_v2", protocol),
    "((",
    text("storage", protocol),
    named("torch", storage, protocol),
    text(key, protocol),
    text("cpu", protocol),
    int(length),
    "tQ",
    int(offset),
    tuple(shape),
    tuple(strides),
    0x89,
    protocol < 4 ? named("collections", "OrderedDict") : "h\x02",
    ")RtR",
  );
}

/** What stands around the value of a tensor. */
type Wrapper = (tensor: Uint8Array) => Uint8Array;

export interface LayoutOptions {
  readonly wrap?: Wrapper;
  /** Of the pickles, 2 to 5. */
  readonly protocol?: number;
}

/** An OrderedDict of tensors with the attribute that a module's state dictionary has. */
export function dictionaryPickle(
  tensors: readonly MadeTensor[],
  { wrap = (tensor) => tensor, protocol = 2 }: LayoutOptions = {},
): Uint8Array<ArrayBuffer> {
  const items = tensors.map((tensor) =>
    pickle(text(tensor.name, protocol), wrap(tensorPickle(tensor, protocol))),
  );
  const attributes = pickle("}", text("_metadata", protocol), "}sb.");
  return whole(protocol, named("collections", "OrderedDict", protocol), ")R(", ...items, "u", attributes);
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

export function torchZip(tensors: readonly MadeTensor[], options?: LayoutOptions): Uint8Array<ArrayBuffer> {
  return zipFile(dictionaryPickle(tensors, options), storagesOf(tensors));
}

/** The layout before PyTorch 1.6 around any pickle. */
export function olderFile(
  data: Uint8Array,
  storages: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly length: number }>,
  protocol = 2,
): Uint8Array<ArrayBuffer> {
  return concatBytes([
    whole(protocol, 0x8a, 10, "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
    whole(protocol, 0x4d, 0xe9, 3, "."),
    whole(protocol, "}", text("little_endian", protocol), 0x88, "s."),
    data,
    whole(protocol, "](", ...[...storages.keys()].map((key) => text(key, protocol)), "e."),
    ...[...storages.values()].flatMap(({ bytes, length }) => [u64(length), bytes]),
  ]);
}

export function torchOlder(tensors: readonly MadeTensor[], options?: LayoutOptions): Uint8Array<ArrayBuffer> {
  const storages = tensors.map(({ key, data, length }) => [key, { bytes: data, length }] as const);
  return olderFile(dictionaryPickle(tensors, options), new Map(storages), options?.protocol);
}

export function storagesOf(tensors: readonly MadeTensor[]): Map<string, Uint8Array> {
  return new Map(tensors.map(({ key, data }) => [key, data]));
}
