import { expect, test } from "vitest";
import { type DecodeAppendDims, decodeAppend } from "../../src/kernels/decode-append.js";
import { decodeAppend as oracle } from "../oracle/decode-append.js";
import { runKernel } from "../support/run-kernel.js";

const ROWS: [why: string, dims: DecodeAppendDims, position: number][] = [
  ["one token at its position", { rows: 6, length: 1, capacity: 9, width: 20, atPosition: true }, 5],
  ["the last position", { rows: 3, length: 1, capacity: 4, width: 1, atPosition: true }, 3],
  ["a prompt, from the start", { rows: 5, length: 37, capacity: 50, width: 12, atPosition: false }, 7],
  ["padding beyond the capacity", { rows: 4, length: 64, capacity: 40, width: 8, atPosition: false }, 0],
  ["several workgroups", { rows: 2, length: 300, capacity: 301, width: 5, atPosition: true }, 1],
];

test.each(ROWS)(
  "decodeAppend(rows) replaces those tokens of both caches and no others: %s",
  async (_, dims, position) => {
    const { rows, length, capacity, width, atPosition } = dims;
    const control = new Uint32Array(16);
    control[8] = position;
    const numbers = (count: number, from: number) => Uint32Array.from({ length: count }, (_, i) => from + i);
    const values = {
      control,
      rows: numbers(rows * length * width, 0x4000_0000),
      otherRows: numbers(rows * length * width, 0x5000_0000),
      cache: numbers(rows * capacity * width, 0x6000_0000),
      otherCache: numbers(rows * capacity * width, 0x7000_0000),
    };
    const first = atPosition ? position : 0;
    const results = await runKernel(decodeAppend, dims, values);
    expect([...results.cache!]).toEqual(oracle(dims, first, values.rows, values.cache));
    expect([...results.otherCache!]).toEqual(oracle(dims, first, values.otherRows, values.otherCache));
    expect(await runKernel(decodeAppend, dims, values)).toEqual(results);
  },
);
