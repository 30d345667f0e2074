// ONNX Runtime Web on WebGPU, inputs and outputs in GPU buffers; its attention is the flash kernel of GroupQueryAttention.
import * as ort from "onnxruntime-web/webgpu";
import { openedDevice } from "./meter.js";
import { type OneNode, oneNodeModel, type Value } from "./onnx-model.js";
import { bytesOf } from "./read-buffer.js";
import { attentionInputs, fullAttentionError, matmulError, matmulInputs } from "./reference.js";
import { type AttentionWork, type Contestant, type MatmulWork, type Ready, swapAxes } from "./work.js";

export const onnx: Contestant = async (work) => {
  ort.env.wasm.wasmPaths = new URL("/node_modules/onnxruntime-web/dist/", location.href).href;
  ort.env.wasm.numThreads = 1; // more need a page that is isolated; the GPU does the work
  if (work.kind === "matmul") return product(work);
  if (work.kind === "attention") return attention(work);
  throw new Error("ONNX Runtime Web does not train");
};

/** @param inputs in the order of `node.given`; the error is of the first output. */
async function readyFrom(
  node: OneNode,
  inputs: readonly Float32Array<ArrayBuffer>[],
  error: (result: Float32Array) => number,
): Promise<Ready> {
  const session = await ort.InferenceSession.create(oneNodeModel(node), { executionProviders: ["webgpu"] });
  const device = openedDevice();
  const onGpu = ({ shape, type }: Value, values?: Float32Array<ArrayBuffer>) => {
    const size = 4 * shape.reduce((a, b) => a * b, 1);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size, usage });
    if (values) device.queue.writeBuffer(buffer, 0, values);
    return { buffer, tensor: ort.Tensor.fromGpuBuffer(buffer, { dataType: type as "float32", dims: shape }) };
  };
  const named = (values: readonly Value[], contents: readonly Float32Array<ArrayBuffer>[] = []) =>
    values.map((value, i) => [value.name, onGpu(value, contents[i])] as const);
  const given = named(node.given, inputs);
  const made = named(node.outputs);
  const tensors = (all: typeof given) => Object.fromEntries(all.map(([name, { tensor }]) => [name, tensor]));
  const [feeds, fetches] = [tensors(given), tensors(made)];
  return {
    run: async () => {
      await session.run(feeds, fetches);
      await device.queue.onSubmittedWorkDone();
    },
    error: async () => {
      const [, first] = made[0] as (typeof made)[number];
      return error(new Float32Array(await bytesOf(device, first.buffer)));
    },
  };
}

function product(work: MatmulWork): Promise<Ready> {
  const { m, k, n } = work;
  const { a, b } = matmulInputs(work);
  return readyFrom(
    {
      ...{ operator: "MatMul", domain: "", version: 17, inputs: ["a", "b"] },
      given: [
        { name: "a", type: "float32", shape: [m, k] },
        { name: "b", type: "float32", shape: [k, n] },
      ],
      outputs: [{ name: "c", type: "float32", shape: [m, n] }],
    },
    [a, b],
    (result) => matmulError(work, result),
  );
}

/**
 * Without subgroups, which devices also get with "subgroup-size-control": on adapters with subgroups of 4 the kernel for
 * them is wrong (ONNX Runtime Web 1.30, every query after the first four), and for most GPUs, too, it takes the one without.
 */
function hideSubgroups(): void {
  const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, "features") as {
    get(): GPUSupportedFeatures;
  };
  Object.defineProperty(GPUAdapter.prototype, "features", {
    get(this: GPUAdapter) {
      const features = get.call(this) as ReadonlySet<string>;
      return new Set([...features].filter((name) => !name.startsWith("subgroup")));
    },
  });
}

function attention(work: AttentionWork): Promise<Ready> {
  hideSubgroups();
  const { heads, headSize, length } = work;
  const values = attentionInputs(work);
  const tokensFirst = (array: Float32Array) => swapAxes(array, [heads, length, headSize]);
  const rows = (name: string): Value => ({ name, type: "float32", shape: [1, length, heads * headSize] });
  const cache = (name: string): Value => ({ name, type: "float32", shape: [1, heads, length, headSize] });
  return readyFrom(
    {
      ...{ operator: "GroupQueryAttention", domain: "com.microsoft", version: 1 },
      attributes: { num_heads: heads, kv_num_heads: heads },
      inputs: ["query", "key", "value", "", "", "last", "total"],
      given: [rows("query"), rows("key"), rows("value")],
      constants: [
        { name: "last", type: "int32", shape: [1], data: Int32Array.of(length - 1) },
        { name: "total", type: "int32", shape: [1], data: Int32Array.of(length) },
      ],
      outputs: [rows("output"), cache("present_key"), cache("present_value")],
    },
    [tokensFirst(values.q), tokensFirst(values.k), tokensFirst(values.v)],
    (result) => fullAttentionError(work, swapAxes(result, [length, heads, headSize])),
  );
}
