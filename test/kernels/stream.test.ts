import { expect, test } from "vitest";
import {
  addTensors,
  averageStreams,
  dropoutMask,
  halve,
  streamFromF32,
  streamToF32,
} from "../../src/kernels/stream.js";
import * as oracle from "../oracle/stream.js";
import { expectClose, ulps } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { controlWords, floatWords, normals, seededKeep, streamWords } from "../support/values.js";

const count = 301;

test("streamFromF32() rounds to 2^-16, ties to even, and streamToF32() gives the number back", async () => {
  const x = normals(count, 1, 3);
  x.set([0, 2 ** -17, 3 * 2 ** -17, -(2 ** -17), -3 * 2 ** -17, 32_767, -32_768]);
  const { stream } = await runKernel(streamFromF32, { count, fixedPoint: true }, { x });
  expect([...stream!.subarray(0, 7)]).toEqual([0, 0, 2, 0, -2, 32_767 * 65_536, -(2 ** 31)]);
  expect(stream).toEqual(oracle.streamFromF32(x));
  // Words below 2^24 are exact in f32.
  const words = streamWords(count, 2, 3);
  const { out } = await runKernel(streamToF32, { count, fixedPoint: true }, { words });
  expect(Float64Array.from(out!)).toEqual(oracle.streamToF32(words));
});

test("f32 streams hold the bits of the number", async () => {
  const x = normals(count, 1, 3);
  const { stream } = await runKernel(streamFromF32, { count, fixedPoint: false }, { x });
  expect(stream).toEqual(floatWords(x));
  const { out } = await runKernel(streamToF32, { count, fixedPoint: false }, { words: stream! });
  expect(out).toEqual(x);
});

test("addTensors() adds", async () => {
  const x = normals(count, 1);
  const out = normals(count, 2);
  const { out: sum } = await runKernel(addTensors, { count }, { x, out });
  expect(sum).toEqual(out.map((v, i) => Math.fround(v + x[i]!)));
});

test("averageStreams() is half the sum of two streams, rounded to a word, and halve() its gradient", async () => {
  // Words below 2^23: their sum is exact in f32.
  const [words, others] = [streamWords(count, 1, 3), streamWords(count, 2, 3)];
  const { mean } = await runKernel(averageStreams, { count, fixedPoint: true }, { words, others });
  expect(mean).toEqual(oracle.averageStreams(words, others));
  const [x, y] = [normals(count, 3), normals(count, 4)];
  const bits = { words: floatWords(x), others: floatWords(y) };
  const plain = await runKernel(averageStreams, { count, fixedPoint: false }, bits);
  expect(plain.mean).toEqual(floatWords(x.map((v, i) => 0.5 * Math.fround(v + y[i]!))));
  const { values } = await runKernel(halve, { count }, { values: x });
  expect(values).toEqual(x.map((v) => v / 2));
});

test.each([0, 1, 2] as const)(
  "dropoutMask() in mode %i scales what it keeps by 1/(1 - rate)",
  async (dropout) => {
    const dims = { rows: 7, columns: 43, dropout, dropoutRate: 0.25, site: 9, rowOffset: 5, keepRows: 12 };
    const x = normals(count, 1);
    const control = controlWords([4, 5], 6);
    const all = seededKeep(control, 9, 0.25, 12, 43);
    const random = [{}, { control }, { keep: all }][dropout]!;
    const run = () => runKernel(dropoutMask, dims, { x, ...random });
    const { out } = await run();
    const expected = dropout === 0 ? x : oracle.dropoutMask(x, all.subarray(5 * 43), 0.25);
    expectClose(out!, expected, ulps(8, expected, "one division of 2.5 ulp, one product"), "out");
    expect((await run()).out).toEqual(out);
  },
);
