// The smallest models that a place can have: of one file of weights, of parts, and of PyTorch's.
import { textBytes } from "../../src/io/bytes.js";
import { makeTensor, writeSafetensors } from "../../src/io/safetensors.js";
import type { ModelFiles } from "../../src/types.js";
import type { FileServer } from "./file-server.js";
import { floats, torchZip } from "./torch-files.js";

/** A file with one tensor of one number. */
export const one = (name: string, value: number) =>
  writeSafetensors(new Map([[name, makeTensor([1], Float32Array.of(value))]]));
const json = (value: unknown) => textBytes(JSON.stringify(value));
export const SINGLE: ModelFiles = {
  "config.json": json({ model_type: "reformer" }),
  "tokenizer.json": json({ type: "bytes", offset: 0 }),
  "model.safetensors": one("a", 1),
};
const INDEX = { metadata: {}, weight_map: { a: "part-1.safetensors", b: "part-2.safetensors" } };
export const SHARDED: ModelFiles = {
  "config.json": SINGLE["config.json"]!,
  "model.safetensors.index.json": json(INDEX),
  "part-1.safetensors": one("a", 1),
  "part-2.safetensors": one("b", 2),
};
const TORCH_INDEX = { weight_map: { a: "part-1.bin", b: "part-2.bin" } };
export const TORCH: ModelFiles = {
  "config.json": SINGLE["config.json"]!,
  "pytorch_model.bin.index.json": json(TORCH_INDEX),
  "part-1.bin": torchZip([floats("a", "0", [1], [1])]),
  "part-2.bin": torchZip([floats("b", "0", [1], [2])]),
};

/** Lets a server have these files and nothing else. */
export function serve(
  server: FileServer,
  files: ModelFiles,
  headers: Record<string, string> = { etag: '"one"' },
): void {
  server.files.clear();
  for (const [name, bytes] of Object.entries(files)) server.files.set(name, { bytes, headers });
  server.fault = undefined;
  server.requests.length = 0;
}
