// TensorFlow.js on WebGPU: its own operations; it has no fused attention.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import { openedDevice } from "./meter.js";
import { attentionInputs, fullAttentionError, matmulError, matmulInputs } from "./reference.js";
import type { AttentionWork, Contestant, MatmulWork, Ready } from "./work.js";

export const tensorflow: Contestant = async (work) => {
  await tf.setBackend("webgpu");
  await tf.ready();
  if (work.kind === "matmul") return product(work);
  if (work.kind === "attention") return attention(work);
  throw new Error("TF.js trains this model in 5 to 7 times the time of jax-js, which stands for both");
};

/** What its WebGPU backend does before it reads a result. */
interface Submitting {
  endComputePassEncoder(): void;
  submitQueue(): void;
}

function readyFrom(compute: () => tf.Tensor, error: (result: ArrayLike<number>) => number): Ready {
  let last: tf.Tensor | undefined;
  return {
    run: async () => {
      last?.dispose();
      last = tf.tidy(compute);
      const backend = tf.backend() as unknown as Submitting;
      backend.endComputePassEncoder();
      backend.submitQueue();
      await openedDevice().queue.onSubmittedWorkDone();
    },
    error: async () => error(await (last as tf.Tensor).data()),
  };
}

function product(work: MatmulWork): Ready {
  const { m, k, n } = work;
  const { a, b } = matmulInputs(work);
  const [x, y] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])];
  return readyFrom(
    () => tf.matMul(x, y),
    (result) => matmulError(work, result),
  );
}

function attention(work: AttentionWork): Ready {
  const { heads, headSize, length } = work;
  const shape: [number, number, number] = [heads, length, headSize];
  const values = attentionInputs(work);
  const [q, k, v] = [
    tf.tensor3d(values.q, shape),
    tf.tensor3d(values.k, shape),
    tf.tensor3d(values.v, shape),
  ];
  // 0 where a query sees the key, else so low that the weight is 0.
  const mask = tf.tidy(() => {
    const tokens = tf.range(0, length);
    const later = tf.less(tf.expandDims(tokens, 1), tf.expandDims(tokens, 0));
    return tf.mul(tf.cast(later, "float32"), -1e9);
  });
  return readyFrom(
    () => {
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headSize));
      return tf.matMul(tf.softmax(tf.add(scores, mask)), v);
    },
    (result) => fullAttentionError(work, result),
  );
}
