import { expect, it } from "vitest";
import { makeTensor, readSafetensors, tensorFloats, writeSafetensors } from "../../src/io/safetensors.js";

it("a Buffer is read like any bytes, at odd places too", () => {
  const bytes = writeSafetensors(new Map([["a", makeTensor([2], Float32Array.of(1, 2))]]));
  const odd = Buffer.concat([Buffer.from([0]), bytes]).subarray(1);
  expect([...tensorFloats(readSafetensors(odd).tensors.get("a")!)]).toEqual([1, 2]);
});
