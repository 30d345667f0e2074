import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.js";
import { concatBytes, textBytes } from "../../src/io/bytes.js";
import { tensorFloats, tensorValues } from "../../src/io/safetensors.js";
import { readTorchFile } from "../../src/io/torch-file.js";
import { zipParts } from "../../src/io/zip.js";
import { Random } from "../../src/random.js";
import { quickest } from "../support/quickest.js";
import {
  dictionaryPickle,
  floats,
  int,
  type LayoutOptions,
  type MadeTensor,
  named,
  olderFile,
  type Piece,
  pickle,
  storagesOf,
  tensorPickle,
  text,
  torchOlder,
  torchZip,
  tuple,
  whole,
  zipFile,
} from "./torch-files.js";

const A = floats("a.weight", "0", [2, 3], [1, 2, 3, 4, 5, 6]);
const B = floats("a.bias", "1", [2], [-1, 0.5]);
const LAYOUTS = [2, 3, 4, 5].flatMap((protocol) =>
  (
    [
      ["zip", torchZip],
      ["older", torchOlder],
    ] as const
  ).map(
    ([name, layout]) =>
      [
        `${name}, protocol ${protocol}`,
        (tensors: readonly MadeTensor[], options?: LayoutOptions) =>
          layout(tensors, { protocol, ...options }),
      ] as const,
  ),
);

async function error(bytes: Uint8Array): Promise<CheckpointError> {
  const thrown: unknown = await readTorchFile(bytes, "pytorch_model.bin").then(
    () => undefined,
    (reason) => reason,
  );
  expect(thrown).toBeInstanceOf(CheckpointError);
  expect((thrown as Error).message).toContain("pytorch_model.bin");
  return thrown as CheckpointError;
}

describe.each(LAYOUTS)("readTorchFile reads the layout %s", (_name, layout) => {
  it("gives names, shapes and numbers", async () => {
    const tensors = await readTorchFile(layout([A, B]), "x.bin");
    expect([...tensors.keys()]).toEqual(["a.weight", "a.bias"]);
    expect(tensors.get("a.weight")!.shape).toEqual([2, 3]);
    expect([...tensorFloats(tensors.get("a.weight")!)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...tensorFloats(tensors.get("a.bias")!)]).toEqual([-1, 0.5]);
  });

  it.each([
    ["HalfStorage", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ["BFloat16Storage", Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ["DoubleStorage", Float64Array.of(1, -2), [1, -2]],
  ])("converts %s to f32", async (storage, values, expected) => {
    const data = new Uint8Array(values.buffer);
    const tensors = await readTorchFile(layout([{ ...B, storage, data }]), "x.bin");
    expect([...tensorFloats(tensors.get("a.bias")!)]).toEqual(expected);
  });

  it("keeps whole numbers and truth values in their own types", async () => {
    const long: MadeTensor = {
      ...B,
      storage: "LongStorage",
      data: new Uint8Array(BigInt64Array.of(3n, -4n).buffer),
    };
    const bool: MadeTensor = { ...B, name: "b", key: "2", storage: "BoolStorage", data: Uint8Array.of(1, 0) };
    const tensors = await readTorchFile(layout([long, bool]), "x.bin");
    const found = tensors.get("a.bias")!;
    expect([...tensorValues({ ...found, dtype: "I64" })]).toEqual([3n, -4n]);
    expect(tensors.get("b")).toMatchObject({ dtype: "BOOL", bytes: Uint8Array.of(1, 0) });
  });

  it("reads views: shared storages, offsets and strides", async () => {
    const transposed: MadeTensor = { ...A, name: "t", shape: [3, 2], strides: [1, 3] };
    const row: MadeTensor = { ...A, name: "row", shape: [3], strides: [1], offset: 3 };
    const scalar: MadeTensor = { ...A, name: "scalar", shape: [], strides: [], offset: 5 };
    const tensors = await readTorchFile(layout([A, transposed, row, scalar]), "x.bin");
    expect([...tensorFloats(tensors.get("t")!)]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...tensorFloats(tensors.get("row")!)]).toEqual([4, 5, 6]);
    expect([...tensorFloats(tensors.get("scalar")!)]).toEqual([6]);
  });

  it("reads parameters saved as such, as of a module's own dictionary", async () => {
    const parameter = (tensor: Uint8Array) =>
      pickle("ctorch._utils\n_rebuild_parameter\n", tensor, 0x88, "ccollections\nOrderedDict\n)R", 0x87, "R");
    const tensors = await readTorchFile(layout([A, B], { wrap: parameter }), "x.bin");
    expect([...tensors.keys()]).toEqual(["a.weight", "a.bias"]);
    expect([...tensorFloats(tensors.get("a.weight")!)]).toEqual([1, 2, 3, 4, 5, 6]);
    await error(layout([A], { wrap: () => parameter(text("os.system")) }));
  });

  it("refuses a storage shorter than its tensor says, and one that is missing", async () => {
    await error(layout([{ ...A, data: A.data.subarray(4) }]));
    await error(layout([{ ...A, length: 5 }]));
  });

  it("refuses a file cut at any byte", async () => {
    const whole = layout([A, B]);
    for (let end = 0; end < whole.length; end++) await error(whole.subarray(0, end));
  });
});

/** Pickles that do something else than describe tensors, and a word of the message. */
const HOSTILE: readonly [why: string, word: string, pieces: readonly Piece[]][] = [
  ["os.system", "os.system", [0x80, 2, "cos\nsystem\n", text("ls"), 0x85, "R."]],
  ["posix.system", "posix.system", ["cposix\nsystem\n(", text("ls"), "tR."]],
  ["subprocess.Popen", "subprocess.Popen", ["csubprocess\nPopen\n", text("ls"), 0x85, "R."]],
  ["builtins.eval", "builtins.eval", ["cbuiltins\neval\n", text("1"), 0x85, "R."]],
  ["builtins.exec of Python 2", "__builtin__.exec", ["c__builtin__\nexec\n", text("1"), 0x85, "R."]],
  ["builtins.getattr", "builtins.getattr", ["cbuiltins\ngetattr\n", text("a"), text("b"), 0x86, "R."]],
  ["runpy", "runpy._run_code", ["crunpy\n_run_code\n", "."]],
  ["a look-alike of an allowed name", "torch._utils._rebuild_tensor", ["ctorch._utils\n_rebuild_tensor\n."]],
  ["a name across the dot", "torch.FloatStorage.x", ["ctorch\nFloatStorage.x\n."]],
  ["torch.load itself", "torch.load", ["ctorch\nload\n", text("x"), 0x85, "R."]],
  ["INST", "0x69", ["(", text("ls"), "ios\nsystem\n."]],
  ["OBJ", "0x6f", ["(ccollections\nOrderedDict\no."]],
  ["NEWOBJ", "0x81", ["ccollections\nOrderedDict\n)", 0x81, "."]],
  ["os.system by STACK_GLOBAL", "os.system", [whole(4, named("os", "system", 4), text("ls", 4), 0x85, "R.")]],
  ["eval by STACK_GLOBAL in protocol 5", "builtins.eval", [whole(5, named("builtins", "eval", 5), ".")]],
  ["eval by texts of the older kind", "builtins.eval", [text("builtins"), text("eval"), 0x93, "."]],
  [
    "a name across the dot by STACK_GLOBAL",
    "torch.FloatStorage.x",
    [named("torch", "FloatStorage.x", 4), "."],
  ],
  ["a name that is a number", "no name", [text("torch"), int(1), 0x93, "."]],
  ["a name that is a list", "no name", [text("torch"), "](", text("FloatStorage"), "e", 0x93, "."]],
  [
    "a name that is 2^40 texts",
    "no name",
    [text("torch"), text("a"), "q\x00h\x00\x86".repeat(40), 0x93, "."],
  ],
  ["a name from an empty stack", "no name", [whole(4, 0x93, ".")]],
  ["a name from the memo that is not there", "no name", ["h\x07h\x08", 0x93, "."]],
  ["a call of what is in the memo, a text", "damaged", [whole(4, text("os.system", 4), "h\x00)R.")]],
  ["NEWOBJ_EX", "0x92", [named("collections", "OrderedDict", 4), ")}", 0x92, "."]],
  ["EMPTY_SET", "0x8f", [whole(4, 0x8f, ".")]],
  ["ADDITEMS", "0x90", ["](", 0x90, "."]],
  ["FROZENSET", "0x91", ["(", 0x91, "."]],
  ["BINUNICODE8 of 2^62 bytes", "0x8d", [whole(4, 0x8d, "\0\0\0\0\0\0\0\x40.")]],
  ["BINBYTES8 of 2^62 bytes", "0x8e", [whole(4, 0x8e, "\0\0\0\0\0\0\0\x40.")]],
  ["SHORT_BINBYTES", "0x43", [whole(3, "C\x01a.")]],
  ["BYTEARRAY8", "0x96", [whole(5, 0x96, "\0\0\0\0\0\0\0\x40.")]],
  ["NEXT_BUFFER", "0x97", [whole(5, 0x97, ".")]],
  ["READONLY_BUFFER", "0x98", [whole(5, "N", 0x98, ".")]],
  ["a frame of 2^62 bytes", "cut off", [0x80, 4, 0x95, "\0\0\0\0\0\0\0\x40}."]],
  ["a frame one byte beyond the file", "cut off", [0x80, 4, 0x95, "\xff\xff\0\0\0\0\0\0}."]],
  ["a protocol that does not exist", "damaged", [0x80, 6, "}."]],
  ["400,000 notes of one thing", "no dictionary", ["N", "\x94".repeat(400_000), "."]],
  ["a registered extension", "0x82", [0x82, 1, "."]],
  ["BINBYTES of negative length, which would never end", "0x42", ["B\xfb\xff\xff\xff."]],
  ["LONG4 of 1e9 bytes", "0x8b", [0x8b, "\x00\xca\x9a\x3b."]],
  ["a text of 1e9 bytes", "1000000000 bytes", ["X\x00\xca\x9a\x3b."]],
  ["a number above 2^48", "number", [0x8a, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f."]],
  ["attributes set in the middle", "attributes", ["]}", text("length"), int(1e9), "sb0."]],
  ["200,000 dictionaries", "parts", ["}".repeat(200_000), "."]],
  ["a pickle beyond 512 KiB", "512 KiB", ["N0".repeat(600_000), "."]],
  ["a call of a tensor", "damaged", [tensorPickle(A), ")R."]],
  ["a call of a text", "damaged", [text("os.system"), ")R."]],
  ["an empty stack", "damaged", ["R."]],
  ["a list that holds itself", "no dictionary", ["]q\x00h\x00a."]],
  ["a filled OrderedDict", "OrderedDict", ["ccollections\nOrderedDict\n", tuple([1]), "R."]],
  ["a persistent id of text", "storage", [text("storage"), "Q."]],
  ["no dictionary", "no dictionary", [tensorPickle(A), "."]],
  ["an entry that is no tensor", "epoch", ["}", text("epoch"), int(3), "s."]],
  ["an entry without a name", "without a name", ["}", int(3), int(3), "s."]],
  ["nothing", "no dictionary", ["."]],
];

describe("readTorchFile refuses, by name and in no time", () => {
  it.each(HOSTILE)("%s", async (_why, word, pieces) => {
    const bad = pickle(...pieces);
    const storages = new Map([["0", { bytes: A.data, length: 6 }]]);
    for (const file of [zipFile(bad, storagesOf([A])), olderFile(bad, storages)]) {
      const attempt = async () => {
        const started = performance.now();
        expect((await error(file)).message).toContain(word);
        return performance.now() - started;
      };
      expect(await quickest(1000, attempt), "milliseconds").toBeLessThan(1000);
    }
  });

  it("__proto__ and constructor, which are names like any other", async () => {
    const named = (name: string): MadeTensor => ({ ...B, name });
    const tensors = await readTorchFile(torchZip([named("__proto__"), named("constructor")]), "x.bin");
    expect([...tensors.keys()]).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>).shape).toBeUndefined();
  });

  it.each<[why: string, changes: Partial<MadeTensor>]>([
    ["a shape beyond its storage", { shape: [1e9] }],
    ["a shape repeated by stride 0", { shape: [1e6, 3], strides: [0, 1] }],
    ["an offset beyond its storage", { offset: 1 }],
    ["a negative offset", { offset: -1 }],
    ["a negative stride", { strides: [-1, 1] }],
    ["a stride too many", { strides: [3, 1, 1] }],
    ["nine axes", { shape: Array(9).fill(1), strides: Array(9).fill(1) }],
    ["a length of 2^31 - 1", { length: 2 ** 31 - 1 }],
    ["an unknown storage", { storage: "ComplexFloatStorage" }],
  ])("%s", async (_why, changes) => {
    await error(torchZip([{ ...A, ...changes }]));
    await error(torchOlder([{ ...A, ...changes }]));
  });

  it("many copies of one storage, which would fill the memory", async () => {
    const size = 512;
    const data = new Uint8Array(4 * size * size);
    const one: MadeTensor = { ...A, data, length: size * size, shape: [size, size], strides: [1, size] };
    const many = Array.from({ length: 64 }, (_, i): MadeTensor => ({ ...one, name: `copy ${i}` }));
    expect((await error(torchZip(many))).message).toContain("repeat the same bytes");
  });

  it("a zip without its pickle, with two of them, of another byte order, or with paths that leave it", async () => {
    const zip = (...files: [string, Uint8Array][]) => concatBytes(zipParts(new Map(files)));
    const data = dictionaryPickle([]);
    await error(zip(["archive/version", textBytes("3")]));
    await error(zip(["a/data.pkl", data], ["b/data.pkl", data]));
    await error(zip(["a/data.pkl", data], ["a/byteorder", textBytes("big")]));
    for (const path of ["../data.pkl", "/a/data.pkl", "a/../../data.pkl", "a\\data.pkl", "C:/data.pkl"]) {
      await error(zip(["a/data.pkl", data], [path, data]));
    }
  });

  it("anything with a few bytes changed either loads or is refused, always as a CheckpointError", async () => {
    const random = new Random(1);
    const files = LAYOUTS.map(([, layout]) => layout([A, B]));
    for (let i = 0; i < 1500; i++) {
      const changed = files[i % 2]!.slice();
      for (let n = random.below(4); n >= 0; n--) changed[random.below(changed.length)] = random.below(256);
      try {
        await readTorchFile(changed, "x.bin");
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(CheckpointError);
      }
    }
  });
});
