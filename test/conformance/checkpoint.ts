// Cases that come with a model saved in several file formats: all must hold the same weights, to the bit.
import type { ReformerConfig } from "../../src/config/config.js";
import { configFromHuggingFace } from "../../src/config/hugging-face.js";
import { readSafetensors, tensorFloats } from "../../src/io/safetensors.js";
import { readTorchFile } from "../../src/io/torch-file.js";
import { matchWeights } from "../../src/io/weight-names.js";
import { parameters } from "../../src/model/parameters.js";
import type { RecordedTensor } from "./case.js";

/** What the case's JSON says of the directory: its path, and the files by purpose, each with a remark after its name. */
export interface SavedModel {
  readonly directory: string;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * The settings and weights of a saved model, as the library reads them.
 * @throws {Error} where a file cannot be read or two differ
 */
export async function savedModel(
  { directory, files }: SavedModel,
  read: (path: string) => Promise<ArrayBuffer>,
): Promise<{
  readonly config: ReformerConfig;
  readonly weights: ReadonlyMap<string, RecordedTensor & { readonly data: Float32Array }>;
}> {
  const bytesOf = async (name: string) => new Uint8Array(await read(directory + name));
  const [settings, ...formats] = Object.values(files).map((text) => text.split(" ")[0] as string);
  const config = configFromHuggingFace(
    JSON.parse(new TextDecoder().decode(await bytesOf(settings as string))),
  );
  const wanted = new Map(parameters(config).map((parameter) => [parameter.name, parameter]));
  const weights = new Map<string, RecordedTensor & { readonly data: Float32Array }>();
  for (const file of formats) {
    const bytes = await bytesOf(file);
    const stored = file.endsWith(".safetensors")
      ? readSafetensors(bytes, file).tensors
      : await readTorchFile(bytes, file);
    const { tensors, newHead } = matchWeights({ file, tensors: stored }, wanted);
    if (newHead.length > 0) throw new Error(`${file} has no ${newHead.join(", ")}`);
    for (const [name, tensor] of tensors) {
      const data = tensorFloats(tensor, name);
      const first = weights.get(name)?.data;
      if (first?.some((value, i) => !Object.is(value, data[i]))) {
        throw new Error(`${file}: ${name} differs from ${formats[0]}`);
      }
      if (!first) weights.set(name, { shape: tensor.shape, data });
    }
  }
  return { config, weights };
}
