import { expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.js";
import { makeTensor, readSafetensors, tensorFloats, writeSafetensors } from "../../src/io/safetensors.js";
import { Random } from "../../src/random.js";

const MILLISECONDS = 3000;
const PIECES = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "-",
  "0",
  "9",
  "e",
  "\\",
  "F32",
  '"a":',
  "__metadata__",
  "1e99",
  "\u0000",
];

it("a Buffer is read like any bytes, at odd places too", () => {
  const bytes = writeSafetensors(new Map([["a", makeTensor([2], Float32Array.of(1, 2))]]));
  const odd = Buffer.concat([Buffer.from([0]), bytes]).subarray(1);
  expect([...tensorFloats(readSafetensors(odd).tensors.get("a")!)]).toEqual([1, 2]);
});

it("three seconds of mutated files give tensors inside the file or a CheckpointError, never anything else", () => {
  const seeds = [
    writeSafetensors(
      new Map([
        ["a", makeTensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
        ["b", makeTensor([4], Float32Array.of(1, 2, 3, 4), "F16")],
        ["c", makeTensor([], Int32Array.of(1))],
      ]),
      new Map([["step", "12"]]),
    ),
    writeSafetensors(new Map()),
  ];
  const random = new Random(20);
  const end = performance.now() + MILLISECONDS;
  let runs = 0;
  let accepted = 0;
  while (performance.now() < end) {
    const bytes = mutate(random, seeds[random.below(seeds.length)]!);
    runs++;
    try {
      const { tensors } = readSafetensors(bytes);
      for (const tensor of tensors.values()) {
        expect(tensor.bytes.byteOffset + tensor.bytes.byteLength).toBeLessThanOrEqual(bytes.byteLength);
      }
      accepted++;
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw new Error(`untyped for ${[...bytes]}`, { cause: error });
    }
  }
  console.log(`${runs} mutated files, ${accepted} still valid`);
  expect(runs).toBeGreaterThan(1000);
  expect(accepted).toBeGreaterThan(0);
  expect(accepted).toBeLessThan(runs);
});

/** One to four random changes: a flipped bit, a changed, removed or inserted piece, a cut, another header length. */
function mutate(random: Random, seed: Uint8Array): Uint8Array {
  let bytes = [...seed];
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(bytes.length + 1);
    const piece = new TextEncoder().encode(PIECES[random.below(PIECES.length)]!);
    switch (random.below(6)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        bytes.splice(at, piece.length, ...piece);
        break;
      case 2:
        bytes.splice(at, random.below(8));
        break;
      case 3:
        bytes.splice(at, 0, ...piece);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      default:
        // Keep the header's length true to the change, so that the checks behind it are reached.
        if (bytes.length >= 8) bytes[0] = (bytes[0]! + (bytes.length - seed.length)) & 255;
    }
  }
  return Uint8Array.from(bytes);
}
