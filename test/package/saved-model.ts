/** A saved model that takes every file of the package to read: PyTorch's weights, and a tokenizer that is not the library's. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, tensorFloats } from "../../src/io/safetensors.js";
import { floats, torchZip } from "../io/torch-files.js";

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

/** One token per printable ASCII character, and as many more as the model has. */
function publicTokenizer(vocabSize: number): object {
  const tokens = Array.from({ length: vocabSize }, (_, id) => PRINTABLE[id] ?? `<${id}>`);
  return {
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      unk_token: "~",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** Writes the model of one folder into another, with those two files in place of its own. */
export async function writeSavedModel(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const config = await readFile(join(from, "config.json"), "utf8");
  const { tensors } = readSafetensors(new Uint8Array(await readFile(join(from, "model.safetensors"))));
  const weights = [...tensors].map(([name, tensor], i) =>
    floats(name, String(i), tensor.shape, [...tensorFloats(tensor)]),
  );
  const { vocab_size: vocabSize } = JSON.parse(config) as { vocab_size: number };
  await writeFile(join(to, "config.json"), config);
  await writeFile(join(to, "tokenizer.json"), JSON.stringify(publicTokenizer(vocabSize)));
  await writeFile(join(to, "pytorch_model.bin"), torchZip(weights));
}
