// Weights as files: one, or parts with an index, in the dtype that was asked for.
import { CheckpointError, ConfigError } from "../errors.js";
import type { FilesOptions, ModelFiles } from "../types.js";
import { concatBytes, textBytes } from "./bytes.js";
import { makeTensor, safetensorsParts, type Tensor, tensorFloats } from "./safetensors.js";

const METADATA: ReadonlyMap<string, string> = new Map([["format", "pt"]]);
const STORED = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;
/** Finite numbers from here on round to an infinite half. */
const HALF_LIMIT = 65_520;

/**
 * The files of some tensors: `model.safetensors`, or parts and `model.safetensors.index.json` as `transformers` reads them.
 * @throws {ConfigError} for an option; {CheckpointError} naming the tensor that float16 cannot hold
 */
export function weightFiles(
  tensors: ReadonlyMap<string, Tensor>,
  { dtype = "float32", shardBytes = Number.POSITIVE_INFINITY }: FilesOptions = {},
): ModelFiles {
  if (!(dtype in STORED)) {
    throw new ConfigError(
      `dtype is ${JSON.stringify(dtype)}, but must be one of ${Object.keys(STORED).join(", ")}.`,
      {
        field: "dtype",
      },
    );
  }
  if (!(shardBytes > 0)) {
    throw new ConfigError(`shardBytes is ${shardBytes}, but must be a number of bytes above 0.`, {
      field: "shardBytes",
    });
  }
  const stored = new Map(
    [...tensors].map(([name, tensor]) => [name, converted(name, tensor, STORED[dtype])]),
  );
  const parts = partsOf(stored, shardBytes);
  if (parts.length === 1) return { "model.safetensors": concatBytes(safetensorsParts(stored, METADATA)) };
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const places: Record<string, string> = {};
  parts.forEach((part, i) => {
    const file = `model-${fiveDigits(i + 1)}-of-${fiveDigits(parts.length)}.safetensors`;
    files[file] = concatBytes(safetensorsParts(part, METADATA));
    for (const name of part.keys()) places[name] = file;
  });
  const index = { metadata: { total_size: bytesOf(stored) }, weight_map: places };
  files["model.safetensors.index.json"] = textBytes(`${JSON.stringify(index, null, 2)}\n`);
  return files;
}

const fiveDigits = (part: number) => String(part).padStart(5, "0");
const bytesOf = (tensors: ReadonlyMap<string, Tensor>) =>
  [...tensors.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);

function converted(name: string, tensor: Tensor, dtype: "F32" | "F16" | "BF16"): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const values = tensorFloats(tensor, name);
  const beyond = dtype === "F16" ? values.findIndex((value) => Math.abs(value) >= HALF_LIMIT) : -1;
  if (beyond < 0) return makeTensor(tensor.shape, values, dtype);
  throw new CheckpointError(
    `${name} has ${values[beyond]}, but float16 ends at 65504: save it with dtype "bfloat16" or "float32".`,
    { tensor: name },
  );
}

/** In the given order, each as full as it gets. */
function partsOf(tensors: ReadonlyMap<string, Tensor>, most: number): ReadonlyMap<string, Tensor>[] {
  const parts: Map<string, Tensor>[] = [new Map()];
  for (const [name, tensor] of tensors) {
    const part = parts.at(-1) as Map<string, Tensor>;
    if (part.size > 0 && bytesOf(part) + tensor.bytes.length > most) parts.push(new Map([[name, tensor]]));
    else part.set(name, tensor);
  }
  return parts;
}
