// Are the streams that the backward pass turns back the forward pass's own, to the bit? The recording of a training
// step is run as it is, with copies of both streams put between its layers.
import { resolveConfig } from "../../src/config/config.js";
import { planWeights } from "../../src/engine/device.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Streams } from "../../src/layers/reversible-block.js";
import { packControl } from "../../src/model/control.js";
import { parameterArena, readbackBytes } from "../../src/model/memory.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { plan } from "../../src/scheduler/plan.js";
import { profileOf } from "../../src/scheduler/profile.js";
import { Arena, type Op, Recording, type Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { tensorsOf } from "../../src/scheduler/workspace.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import { TokenDataset } from "../../src/text/dataset.js";
import { initialiseWindows, writeBatch } from "../../src/train/evaluation.js";
import { planTraining, RUN, type TrainingPlan } from "../../src/train/recordings.js";
import { alternating, type Check, count, MODEL, SHAPE, sha256 } from "./check.js";

const LAYERS = 12;
const SEED = 1;
const CONFIG = resolveConfig({ ...MODEL, layers: alternating(LAYERS) });
/** The value and bit that the controls flip. */
const FLIPPED = { value: 12_345, bit: 17, layer: 6 };

/** Copies of both streams. */
interface Snapshot {
  readonly x1: Tensor;
  readonly x2: Tensor;
}

/** A training step cut in two, and the streams at every boundary between layers: index i is the input of layer i. */
interface ObservedStep {
  readonly parts: readonly [clear: Recording, forward: Recording, inverse: Recording];
  readonly forward: readonly Snapshot[];
  readonly inverted: readonly Snapshot[];
  readonly arena: Arena;
}

function observe({ plan: { recordings }, windows: { streams } }: TrainingPlan): ObservedStep {
  const arena = new Arena("snapshots", "state");
  const [x1, x2] = [theSlab(streams, "x1"), theSlab(streams, "x2")];
  const snapshots = (when: string, length: number): Snapshot[] =>
    Array.from({ length }, (_, i) => ({
      x1: arena.tensor(`${when} x1 ${i}`, x1.shape, "i32"),
      x2: arena.tensor(`${when} x2 ${i}`, x2.shape, "i32"),
    }));
  const forward = snapshots("forward", LAYERS + 1);
  const inverted = snapshots("inverted", LAYERS);
  const parts = [new Recording(), new Recording(), new Recording()] as const;
  const [clear, ahead, back] = parts;
  clear.ops.push(...(recordings[RUN.clear]?.ops ?? []));
  const keep = (into: Recording, to: Snapshot | undefined) => {
    if (!to) throw new Error("the recording has layers that the configuration has not");
    into.copy(x1, to.x1);
    into.copy(x2, to.x2);
  };
  let last: Place | undefined;
  for (const op of recordings[RUN.batch]?.ops ?? []) {
    const place = placeOf(op);
    if (place && !isSame(place, last)) {
      if (!place.backward) keep(ahead, forward[place.layer]);
      else if (last?.backward) keep(back, inverted[last.layer]);
      else keep(ahead, forward[LAYERS]);
      last = place;
    }
    (last?.backward ? back : ahead).ops.push(op);
  }
  keep(back, inverted[0]);
  checkApart(ahead, back);
  return { parts, forward, inverted, arena };
}

interface Place {
  readonly layer: number;
  readonly backward: boolean;
}

const isSame = (a: Place, b: Place | undefined): boolean => a.layer === b?.layer && a.backward === b.backward;

/** The layer that an operation is part of; the embedding and the head are part of none. */
function placeOf({ label }: Op): Place | undefined {
  const [, layer, backward] = /^layer(\d+)\.(backward\.)?/.exec(label) ?? [];
  return layer === undefined ? undefined : { layer: Number(layer), backward: backward !== undefined };
}

function theSlab(streams: Streams, name: "x1" | "x2"): Tensor {
  const [slab, ...more] = streams[name].slabs;
  if (!slab || more.length > 0) throw new Error(`${name} must be one slab on this device`);
  return slab;
}

/** Nothing but streams, gradients and inputs may pass from the forward part to the backward part. */
function checkApart(first: Recording, second: Recording): void {
  const transient = ({ ops }: Recording) =>
    new Set(ops.flatMap(tensorsOf).flatMap((tensor) => (tensor.arena ? [] : [tensor.base ?? tensor])));
  const shared = [...transient(first)].filter((tensor) => transient(second).has(tensor));
  if (shared.length > 0) throw new Error(`the backward pass reads ${shared[0]?.label} of the forward pass`);
}

/** Reads and compares; on the host, so that no kernel judges a kernel. */
class Streamed {
  constructor(
    readonly prepared: PreparedPlan,
    readonly step: ObservedStep,
  ) {}

  async read({ x1, x2 }: Snapshot): Promise<readonly [Int32Array, Int32Array]> {
    return [await this.#words(x1), await this.#words(x2)];
  }

  async #words(tensor: Tensor): Promise<Int32Array> {
    const words = await this.prepared.read(tensor);
    if (!(words instanceof Int32Array)) throw new Error(`${tensor.label} is not int32`);
    return words;
  }

  async differing(
    boundary: number,
  ): Promise<{ readonly differing: number; readonly hashes: readonly string[] }> {
    const forward = await this.read(this.step.forward[boundary] as Snapshot);
    const inverted = await this.read(this.step.inverted[boundary] as Snapshot);
    return { differing: differences(forward, inverted), hashes: [sha256(...forward), sha256(...inverted)] };
  }

  async runForward(): Promise<void> {
    await this.prepared.run(0);
    await this.prepared.run(1);
  }

  async runInverse(): Promise<void> {
    await this.prepared.run(2);
    await this.prepared.finish();
  }
}

/** Values at which two pairs of streams differ. */
function differences(a: readonly Int32Array[], b: readonly Int32Array[]): number {
  let differing = 0;
  a.forEach((words, i) => {
    words.forEach((word, at) => {
      if (word !== b[i]?.[at]) differing++;
    });
  });
  return differing;
}

export async function checkInversion(device: GPUDevice, text: string): Promise<Check[]> {
  const gpu = new Gpu(device);
  try {
    const profile = profileOf(gpu.device);
    const weights = parameterArena(CONFIG, "weights", "weights");
    const base = await PreparedPlan.create(gpu, planWeights(CONFIG, weights, profile));
    for (const [index, parameter] of parameters(CONFIG).entries()) {
      base.write(weights.get(parameter.name), initialValues(parameter, index, SEED));
    }
    const { shape } = resolveTrainOptions(CONFIG, { steps: 1, ...SHAPE });
    const training = planTraining(CONFIG, shape, weights, profile);
    const step = observe(training);
    const observed = plan(step.parts, profile, { arenas: [step.arena], readbacks: [readbackBytes(CONFIG)] });
    const prepared = await PreparedPlan.create(gpu, observed, { shared: base });
    await writeInputs(prepared, training, text);
    const streams = new Streamed(prepared, step);
    await streams.runForward();
    await streams.runInverse();
    const values = (2 * (step.forward[0]?.x1.byteLength ?? 0)) / 4;
    return [
      await compare(streams, values),
      await flipRead(streams),
      await flipBefore(streams, training, values),
    ];
  } finally {
    gpu.dispose();
  }
}

async function writeInputs(prepared: PreparedPlan, { windows }: TrainingPlan, text: string): Promise<void> {
  const dataset = await TokenDataset.fromText(text, byteTokenizer());
  initialiseWindows(prepared, windows);
  writeBatch(prepared, windows, dataset.batch(0, SHAPE, SEED));
  const lossScale = 1 / (SHAPE.batchSize * SHAPE.length);
  prepared.write(windows.inputs.control, packControl({ seed: SEED, draw: 0, step: 1, lossScale }));
}

async function compare(streams: Streamed, values: number): Promise<Check> {
  let differing = 0;
  const details: string[] = [];
  for (let layer = LAYERS - 1; layer >= 0; layer--) {
    const boundary = await streams.differing(layer);
    differing += boundary.differing;
    const [forward, inverted] = boundary.hashes;
    details.push(`input of layer ${String(layer).padStart(2)}: ${boundary.differing} differ`);
    details.push(`  forward  ${forward}`, `  inverted ${inverted}`);
  }
  const first = await streams.read(streams.step.forward[0] as Snapshot);
  const last = await streams.read(streams.step.forward[LAYERS] as Snapshot);
  const changed = differences(first, last);
  return {
    name: "(a) inversion",
    passed: differing === 0 && changed > values / 2,
    measured: `${differing} of ${count(LAYERS * values)} int32 values differ over ${LAYERS} boundaries (the layers changed ${count(changed)} of ${count(values)})`,
    details,
  };
}

async function flipRead(streams: Streamed): Promise<Check> {
  const { x1 } = streams.step.inverted[FLIPPED.layer] as Snapshot;
  await flip(streams.prepared, x1);
  const { differing, hashes } = await streams.differing(FLIPPED.layer);
  return {
    name: "(a) control: one bit",
    passed: differing === 1 && hashes[0] !== hashes[1],
    measured: `bit ${FLIPPED.bit} of one inverted value flipped in GPU memory: ${differing} differs, SHA-256 ${hashes[0] === hashes[1] ? "equal" : "not equal"}`,
  };
}

/** A bit flipped in the last layer's output must reach the first layer's input, or nothing was turned back. */
async function flipBefore(streams: Streamed, { windows }: TrainingPlan, values: number): Promise<Check> {
  await streams.runForward();
  await flip(streams.prepared, theSlab(windows.streams, "x2"));
  await streams.runInverse();
  const { differing } = await streams.differing(0);
  return {
    name: "(a) control: bit before",
    passed: differing > 0,
    measured: `the same bit flipped in the output of layer ${LAYERS - 1}: ${count(differing)} of ${count(values)} values differ at the input of layer 0`,
  };
}

async function flip(prepared: PreparedPlan, tensor: Tensor): Promise<void> {
  const word = (await prepared.read(tensor))[FLIPPED.value] as number;
  prepared.write(tensor, Int32Array.of(word ^ (1 << FLIPPED.bit)), FLIPPED.value);
}
