// Weights in half precision, as a file for a page would hold them.
import { SAFETENSORS } from "../../io/model-files.js";
import { makeTensor, readSafetensors, tensorFloats, writeSafetensors } from "../../io/safetensors.js";
import type { ModelFiles } from "../../types.js";

/** The same files with the weights rounded to half precision. */
export function halved(files: ModelFiles): ModelFiles {
  const { tensors, metadata } = readSafetensors(files[SAFETENSORS] as Uint8Array);
  const rounded = [...tensors].map(
    ([name, tensor]) => [name, makeTensor(tensor.shape, tensorFloats(tensor, name), "F16")] as const,
  );
  return { ...files, [SAFETENSORS]: writeSafetensors(new Map(rounded), metadata) };
}
