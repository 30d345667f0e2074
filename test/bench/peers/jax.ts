// jax-js: everything under `jit`, every step awaited, as its authors advise.
import { defaultDevice, init, type Array as JaxArray, jit, nn, numpy as np } from "@jax-js/jax";
import { training } from "./jax-training.js";
import { attentionInputs, fullAttentionError, matmulError, matmulInputs } from "./reference.js";
import { type AttentionWork, type Contestant, type MatmulWork, type Ready, swapAxes } from "./work.js";

export async function openJax(): Promise<void> {
  const devices = await init("webgpu");
  if (!devices.includes("webgpu")) throw new Error(`jax-js found only ${devices.join(", ")}`);
  defaultDevice("webgpu");
}

export const jax: Contestant = async (work) => {
  await openJax();
  if (work.kind === "matmul") return product(work);
  if (work.kind === "attention") return attention(work);
  return training(work);
};

function readyFrom(compute: () => JaxArray, error: (result: ArrayLike<number>) => number): Ready {
  let last: JaxArray | undefined;
  return {
    run: async () => {
      last?.dispose();
      last = await compute().blockUntilReady();
    },
    error: async () => error((await (last as JaxArray).ref.data()) as Float32Array),
  };
}

function product(work: MatmulWork): Ready {
  const { m, k, n } = work;
  const { a, b } = matmulInputs(work);
  const [x, y] = [np.array(a).reshape([m, k]), np.array(b).reshape([k, n])];
  const multiply = jit((left: JaxArray, right: JaxArray) => np.matmul(left, right));
  return readyFrom(
    () => multiply(x.ref, y.ref),
    (result) => matmulError(work, result),
  );
}

function attention(work: AttentionWork): Ready {
  const { heads, headSize, length } = work;
  const values = attentionInputs(work);
  const tokensFirst = (array: Float32Array) =>
    np.array(swapAxes(array, [heads, length, headSize])).reshape([length, heads, headSize]);
  const [q, k, v] = [tokensFirst(values.q), tokensFirst(values.k), tokensFirst(values.v)];
  const attend = jit((query: JaxArray, key: JaxArray, value: JaxArray) =>
    nn.dotProductAttention(query, key, value, { isCausal: true }),
  );
  return readyFrom(
    () => attend(q.ref, k.ref, v.ref),
    (result) => fullAttentionError(work, swapAxes(result, [length, heads, headSize])),
  );
}
