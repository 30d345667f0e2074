import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckpointError, ShapeError } from "../../src/errors.js";
import { concatBytes, textBytes } from "../../src/io/bytes.js";
import {
  makeTensor,
  readSafetensors,
  safetensorsParts,
  type Tensor,
  tensorFloats,
  tensorValues,
  writeSafetensors,
} from "../../src/io/safetensors.js";
import { DTYPE_BYTES, type Dtype } from "../../src/io/safetensors-header.js";
import { quickest } from "../support/quickest.js";

/** A file with this header text, as given, and this many data bytes. */
function file(header: string | Uint8Array, dataBytes = 0, claimed?: bigint): Uint8Array {
  const json = typeof header === "string" ? textBytes(header) : header;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  return concatBytes([length, json, new Uint8Array(dataBytes)]);
}

const entry = (begin: number, end: number, shape = `[${end - begin}]`, dtype = "U8") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe("readSafetensors refuses", () => {
  const bad: [reason: string, why: string, bytes: Uint8Array][] = [
    ["too-small", "an empty file", new Uint8Array(0)],
    ["too-small", "seven bytes", new Uint8Array(7)],
    ["header-start", "a header of no bytes", file("")],
    ["header-length", "a header longer than the file", file("{}", 0, 3n)],
    ["header-too-large", "100,000,001 bytes of header", file("{}", 0, 100_000_001n)],
    ["header-too-large", "2^53 + 1 bytes of header", file("{}", 0, 2n ** 53n + 1n)],
    ["header-too-large", "2^64 − 1 bytes of header", file("{}", 0, 2n ** 64n - 1n)],
    ["utf-8", "a header that is not UTF-8", file(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ["header-start", "a header that is a list", file("[]")],
    ["header-start", "a header with a space before it", file(" {}")],
    ["header-start", "a byte-order mark", file("\ufeff{}")],
    ["json", "an unfinished header", file('{"a":')],
    ["json", "a trailing comma", file(`{"a":${entry(0, 1)},}`, 1)],
    ["json", "two headers", file("{}{}")],
    ["json", "NaN as an offset", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[NaN,1]}}', 1)],
    ["length", "garbage after the tensors", file(`{"a":${entry(0, 1)}}`, 2)],
    ["length", "data cut short", file(`{"a":${entry(0, 4)}}`, 3)],
    ["length", "data without tensors", file("{}", 1)],
    ["duplicate", "a tensor named twice", file(`{"a":${entry(0, 1)},"a":${entry(1, 2)}}`, 2)],
    [
      "duplicate",
      "a tensor named twice, once escaped",
      file(`{"a":${entry(0, 1)},"\\u0061":${entry(1, 2)}}`, 2),
    ],
    [
      "duplicate",
      "a dtype given twice",
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', 1),
    ],
    ["duplicate", "metadata given twice", file('{"__metadata__":{},"__metadata__":{}}')],
    ["offsets", "overlapping tensors", file(`{"a":${entry(0, 2)},"b":${entry(1, 3)}}`, 3)],
    ["offsets", "a tensor inside another", file(`{"a":${entry(0, 4)},"b":${entry(1, 3)}}`, 4)],
    ["offsets", "a hole between tensors", file(`{"a":${entry(0, 1)},"b":${entry(2, 3)}}`, 3)],
    ["offsets", "a hole at the start", file(`{"a":${entry(1, 2)}}`, 2)],
    ["size", "an end before its begin", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}`, 2)],
    ["offsets", "a negative offset", file(`{"a":${entry(-1, 0)}}`, 1)],
    ["offsets", "a fractional offset", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1.5]}}`, 1)],
    ["offsets", "offsets as text", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":["0","1"]}}`, 1)],
    ["offsets", "three offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}`, 1)],
    ["offsets", "an offset of 1e300", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1e300]}}`, 1)],
    ["overflow", "a shape product beyond 2^53", file(`{"a":${entry(0, 1, "[4294967296,4294967296]")}}`, 1)],
    [
      "overflow",
      "a shape product that overflows to infinity",
      file(`{"a":${entry(0, 1, `[${Array(40).fill(2 ** 52)}]`)}}`, 1),
    ],
    ["shape", "a negative axis", file(`{"a":${entry(0, 1, "[-1]")}}`, 1)],
    ["shape", "an axis of one half", file(`{"a":${entry(0, 1, "[0.5]")}}`, 1)],
    ["shape", "a shape that is no list", file(`{"a":${entry(0, 1, "1")}}`, 1)],
    ["size", "a shape that does not fit the bytes", file(`{"a":${entry(0, 4, "[2]", "F32")}}`, 4)],
    ["dtype", "an unknown dtype", file(`{"a":${entry(0, 1, "[1]", "Q4_0")}}`, 1)],
    [
      "dtype",
      "a dtype that is a property of every object",
      file(`{"a":${entry(0, 1, "[1]", "constructor")}}`, 1),
    ],
    ["entry", "a tensor that is a number", file('{"a":1}')],
    ["entry", "a tensor that is null", file('{"a":null}')],
    ["entry", "a missing shape", file('{"a":{"dtype":"U8","data_offsets":[0,1]}}', 1)],
    ["entry", "an unknown field", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', 1)],
    ["entry", "__proto__ in place of a field", file('{"a":{"dtype":"U8","shape":[1],"__proto__":[0,1]}}', 1)],
    ["metadata", "metadata with a number", file('{"__metadata__":{"a":1}}')],
    ["metadata", "metadata that is a list", file('{"__metadata__":["a"]}')],
    ["json", "a header nested a million deep", file(`{"a":${"[".repeat(1_000_000)}`)],
    ["too-many", "a million tensors", file(`{${`"a":{"dtype":0},`.repeat(1_000_000)}}`)],
  ];
  it.each(bad)("%s: %s", async (reason, _why, bytes) => {
    const attempt = async () => {
      const start = performance.now();
      let error: unknown;
      try {
        readSafetensors(bytes, "model.safetensors");
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).details).toEqual({ file: "model.safetensors", reason });
      expect((error as Error).message).toContain("model.safetensors");
      return performance.now() - start;
    };
    expect(await quickest(1000, attempt), "milliseconds").toBeLessThan(1000); // under 50 on a free core
  });

  it("a file cut anywhere", () => {
    const whole = writeSafetensors(
      new Map([
        ["a", makeTensor([30, 30], new Float32Array(900))],
        ["b", makeTensor([100], new Uint32Array(100))],
      ]),
    );
    expect(whole.length).toBeGreaterThan(4000);
    for (let length = 0; length < whole.length; length++) {
      expect(() => readSafetensors(whole.subarray(0, length))).toThrow(CheckpointError);
    }
  });
});

describe("readSafetensors", () => {
  it("takes names that are special to JavaScript as plain names", () => {
    const { tensors } = readSafetensors(
      file(`{"__proto__":${entry(0, 1)},"constructor":${entry(1, 2)},"":${entry(2, 3)}}`, 3),
    );
    expect([...tensors.keys()]).toEqual(["__proto__", "constructor", ""]);
  });

  it("takes a file without tensors, spaces after the header, scalars and empty tensors", () => {
    expect(readSafetensors(file("{}   ")).tensors.size).toBe(0);
    const { tensors } = readSafetensors(file(`{"e":${entry(0, 0, "[0,7]")},"s":${entry(0, 1, "[]")}}`, 1));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ["e", [0, 7]],
      ["s", []],
    ]);
  });

  it("copies nothing: tensors are views of the given bytes", () => {
    const bytes = writeSafetensors(new Map([["a", makeTensor([2], Float32Array.of(1, 2))]]));
    const tensor = readSafetensors(bytes).tensors.get("a")!;
    expect(tensor.bytes.buffer).toBe(bytes.buffer);
    expect(tensorFloats(tensor).buffer).toBe(bytes.buffer);
  });

  it("reads a file that lies at an odd place in memory", () => {
    const bytes = writeSafetensors(new Map([["a", makeTensor([2], Float32Array.of(1, 2))]]));
    const moved = concatBytes([Uint8Array.of(0), bytes]).subarray(1);
    expect([...tensorFloats(readSafetensors(moved).tensors.get("a")!)]).toEqual([1, 2]);
  });
});

describe("tensorValues, tensorFloats", () => {
  const of = (dtype: Dtype, array: ArrayBufferView, shape: number[]): Tensor => ({
    dtype,
    shape,
    bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  });
  it.each([
    of("F64", Float64Array.of(1.5, -2), [2]),
    of("F32", Float32Array.of(1.5, -2), [2]),
    of("F16", Uint16Array.of(0x3e00, 0xc000), [2]),
    of("BF16", Uint16Array.of(0x3fc0, 0xc000), [2]),
  ])("tensorFloats reads $dtype", (tensor) => {
    expect([...tensorFloats(tensor)]).toEqual([1.5, -2]);
  });

  it.each([
    of("I64", BigInt64Array.of(-1n, 2n ** 62n), [2]),
    of("U64", BigUint64Array.of(2n ** 64n - 1n), [1]),
    of("I32", Int32Array.of(-5, 7), [2]),
    of("U32", Uint32Array.of(0xffffffff), [1]),
    of("I16", Int16Array.of(-5), [1]),
    of("U16", Uint16Array.of(65_535), [1]),
    of("I8", Int8Array.of(-5), [1]),
    of("U8", Uint8Array.of(255), [1]),
    of("BOOL", Uint8Array.of(0, 1), [2]),
  ])("tensorValues reads $dtype, which tensorFloats refuses", (tensor) => {
    const values = tensorValues(tensor);
    expect(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).toEqual(tensor.bytes);
    expect(values.length).toBe(tensor.shape[0]);
    expect(() => tensorFloats(tensor)).toThrow(CheckpointError);
  });
});

describe("writeSafetensors", () => {
  const tensors = new Map([
    ["narrow", makeTensor([3], Float32Array.of(1, 2, 3), "F16")],
    ["z", makeTensor([2, 2], Float32Array.of(1, 2, 3, 4))],
    ["a", makeTensor([1], Uint32Array.of(7))],
    ["brain", makeTensor([1], Float32Array.of(1), "BF16")],
    ["signed", makeTensor([], Int32Array.of(-1))],
  ]);
  const metadata = new Map([
    ["format", "pt"],
    ["author", "né"],
  ]);

  it("puts the widest types first, aligns every tensor, pads the header to eight", () => {
    const bytes = writeSafetensors(tensors, metadata);
    const read = readSafetensors(bytes);
    expect([...read.tensors.keys()]).toEqual(["a", "signed", "z", "brain", "narrow"]);
    for (const tensor of read.tensors.values()) {
      expect(tensor.bytes.byteOffset % DTYPE_BYTES[tensor.dtype]).toBe(0);
    }
    expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
    expect(Object.fromEntries(read.metadata)).toEqual({ author: "né", format: "pt" });
  });

  it("gives the same bytes whatever order it is given, and again after reading", () => {
    const bytes = writeSafetensors(tensors, metadata);
    expect(writeSafetensors(new Map([...tensors].reverse()), new Map([...metadata].reverse()))).toEqual(
      bytes,
    );
    const read = readSafetensors(bytes);
    expect(writeSafetensors(read.tensors, read.metadata)).toEqual(bytes);
    expect(concatBytes(safetensorsParts(tensors, metadata))).toEqual(bytes);
  });

  it("refuses what it could not read back", () => {
    const tensor = makeTensor([1], Float32Array.of(1));
    const bad: [string, Tensor][] = [
      ["__metadata__", tensor],
      ["\ud800", tensor],
      ["a", { ...tensor, shape: [2] }],
      ["a", { ...tensor, shape: [-1, -1] }],
    ];
    for (const [name, given] of bad)
      expect(() => writeSafetensors(new Map([[name, given]]))).toThrow(CheckpointError);
    expect(() => makeTensor([3], Float32Array.of(1))).toThrow(ShapeError);
    expect(() => makeTensor([1], Int32Array.of(1), "F16")).toThrow(ShapeError);
    expect(() => makeTensor([1], Int32Array.of(1), "F32")).toThrow(ShapeError);
  });

  it("any set of tensors survives", () => {
    const shape = fc.array(fc.nat(4), { maxLength: 4 });
    const dtype = fc.constantFrom(...(Object.keys(DTYPE_BYTES) as Dtype[]));
    const name = fc
      .string({ unit: "binary", maxLength: 12 })
      .filter((text) => !/\p{Cs}/u.test(text) && text !== "__metadata__");
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, dtype, shape, fc.nat()), { selector: ([key]) => key, maxLength: 6 }),
        fc.dictionary(name, name, { maxKeys: 3 }),
        (list, texts) => {
          const given = new Map<string, Tensor>();
          for (const [key, type, axes, fill] of list) {
            const length = axes.reduce((a, b) => a * b, DTYPE_BYTES[type]);
            given.set(key, {
              dtype: type,
              shape: axes,
              bytes: Uint8Array.from({ length }, (_, i) => fill + i),
            });
          }
          const read = readSafetensors(writeSafetensors(given, new Map(Object.entries(texts))));
          expect(new Map([...read.tensors].sort())).toEqual(new Map([...given].sort()));
          expect(new Map([...read.metadata].sort())).toEqual(new Map(Object.entries(texts).sort()));
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });
});
