// One recording of a case on plain arrays: inputs go in, named results come out, through the project's own plan and run.
import type { Gpu } from "../../src/gpu/gpu.js";
import type { GivenInputs, LayerContext } from "../../src/layers/context.js";
import { STATUS_SLOTS } from "../../src/layers/context.js";
import { positionNames } from "../../src/layers/embedding.js";
import { makeRows, type Rows, rowsPerSlab } from "../../src/layers/rows.js";
import { plan } from "../../src/scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { profileOf, type TypedArray } from "../support/run-kernel.js";
import {
  type CallShape,
  type Case,
  callShape,
  keepMasks,
  parametersOf,
  type RecordedHash,
  recordedHashes,
} from "./case.js";

const STREAM_SCALE = 2 ** 16;

type Decode = (words: TypedArray) => ArrayLike<number>;

/** Records a case, then runs it. Every tensor of the host's has an arena, hence a buffer, of its own. */
export class Session {
  readonly recording = new Recording();
  readonly context: LayerContext;
  readonly #inputs = new Map<Tensor, TypedArray>();
  readonly #results = new Map<string, { tensors: readonly Tensor[]; decode: Decode }>();
  readonly #weights = new Map<string, Tensor>();
  readonly #gradients = new Map<string, Tensor>();

  /** `lossScale` is the weight of one target's loss in the mean. */
  constructor(
    readonly c: Case,
    readonly shape: CallShape,
    readonly gpu: Gpu,
    hashes: ReadonlyMap<number, RecordedHash>,
    options: { readonly fixedPoint: boolean; readonly lossScale?: number },
  ) {
    const { batch, padded, keyMask, training } = shape;
    const control = new Uint32Array(16);
    new Float32Array(control.buffer)[4] = options.lossScale ?? 1; // CONTROL_LOSS_SCALE
    const binding = gpu.device.limits.maxStorageBufferBindingSize;
    const controlTensor = this.input("control", control);
    this.context = {
      recording: this.recording,
      config: c.config,
      batch,
      length: padded,
      fixedPoint: options.fixedPoint,
      training,
      keyMask: keyMask && this.input("key mask", keyMask),
      control: controlTensor,
      hashControl: controlTensor,
      status: this.input("status", new Uint32Array(STATUS_SLOTS)),
      weight: (name) => this.#weight(name),
      gradient: (name) => this.#gradient(name),
      slabRows: (width) => rowsPerSlab(width, binding),
      headGroup: c.headGroup,
      given: this.#given(hashes),
    };
  }

  #given(hashes: ReadonlyMap<number, RecordedHash>): GivenInputs {
    const buckets = [...hashes].map(
      ([layer, hash]) => [layer, this.input(`buckets ${layer}`, hash.buckets)] as const,
    );
    const keep = [...keepMasks(this.c)].map(
      ([place, mask]) => [place, this.input(`${place} keep`, mask)] as const,
    );
    return { buckets: new Map(buckets), keep: new Map(keep) };
  }

  #weight(name: string): Tensor {
    const known = this.#weights.get(name);
    if (known) return known;
    // Tables of positions are read as one tensor.
    const tables = positionNames(this.c.config);
    const names = tables.includes(name) ? tables : [name];
    const parts = names.map((label) => ({ label, shape: [this.#recordedWeight(label).length] }));
    for (const tensor of new Arena(name, "state").neighbours(name, parts)) {
      this.#inputs.set(tensor, this.#recordedWeight(tensor.label));
      this.#weights.set(tensor.label, tensor);
    }
    return this.#weight(name);
  }

  #recordedWeight(name: string): Float32Array {
    const parameter = parametersOf(this.c).get(name);
    if (!parameter) throw new Error(`${this.c.name} has no parameter ${name}`);
    return Float32Array.from(parameter.data);
  }

  #gradient(name: string): Tensor {
    let tensor = this.#gradients.get(name);
    if (!tensor) {
      const own = parametersOf(this.c).get(name)?.own ?? name;
      tensor = this.input(`gradient of ${name}`, new Float32Array(this.#weight(name).byteLength / 4));
      this.#gradients.set(name, tensor);
      this.result(`grad/${own}`, tensor);
    }
    return tensor;
  }

  /** A persistent tensor with these contents; its type is the array's. */
  input(label: string, data: TypedArray): Tensor {
    const type = data instanceof Float32Array ? "f32" : data instanceof Int32Array ? "i32" : "u32";
    const tensor = new Arena(label, "state").tensor(label, [data.length], type);
    this.#inputs.set(tensor, data);
    return tensor;
  }

  /** A residual stream [tokens, hiddenSize] holding these values. */
  stream(label: string, values: ArrayLike<number>): Rows {
    const words = this.context.fixedPoint
      ? Int32Array.from(values, (x) => Math.round(x * STREAM_SCALE))
      : new Int32Array(Float32Array.from(values).buffer);
    return this.#rows(label, words);
  }

  /** A matrix [tokens, hiddenSize] of f32. */
  rows(label: string, values: ArrayLike<number>): Rows {
    return this.#rows(label, Float32Array.from(values));
  }

  #rows(label: string, words: Int32Array | Float32Array): Rows {
    const { hiddenSize } = this.c.config;
    const slab = this.context.slabRows(hiddenSize);
    const count = words.length / hiddenSize;
    let from = 0;
    const make = (name: string, shape: readonly number[]) => {
      const end = from + shape.reduce((a, b) => a * b, 1);
      const tensor = this.input(name, words.slice(from, end));
      from = end;
      return tensor;
    };
    return makeRows(make, label, count, hiddenSize, slab, words instanceof Int32Array ? "i32" : "f32");
  }

  /** Reads a tensor, or the slabs of a matrix, after the run. */
  result(name: string, tensors: Tensor | Rows, decode: Decode = (words) => words): void {
    this.#results.set(name, { tensors: "slabs" in tensors ? tensors.slabs : [tensors], decode });
  }

  /** A stream as it is now; later operations may change it. */
  snapshot(name: string, stream: Rows): void {
    const copy = this.#rows(`copy for ${name}`, new Int32Array(stream.count * stream.width));
    stream.slabs.forEach((slab, i) => void this.recording.copy(slab, copy.slabs[i] as Tensor));
    this.result(name, copy, (words) => this.#streamValues(words));
  }

  #streamValues(words: TypedArray): ArrayLike<number> {
    if (!this.context.fixedPoint) return new Float32Array(words.slice().buffer);
    return Float64Array.from(words, (word) => word / STREAM_SCALE);
  }

  /** [batch, heads, length, headSize] as [batch, length, heads · headSize]. */
  mergeHeads(words: TypedArray): Float32Array {
    const { numHeads, headSize } = this.c.config;
    return exchange(words, this.shape.batch, numHeads, this.shape.padded, headSize);
  }

  /** [batch, length, heads · headSize] as [batch, heads, length, headSize]. */
  splitHeads(values: ArrayLike<number>): Float32Array {
    const { numHeads, headSize } = this.c.config;
    return exchange(values, this.shape.batch, this.shape.padded, numHeads, headSize);
  }

  /** Runs the recording once and returns its results by name. */
  async run(): Promise<Map<string, ArrayLike<number>>> {
    const prepared = await PreparedPlan.create(this.gpu, plan([this.recording], profileOf(this.gpu.device)));
    try {
      const used = new Set(prepared.plan.arenas);
      for (const [tensor, data] of this.#inputs) {
        if (tensor.arena && used.has(tensor.arena)) prepared.write(tensor, data);
      }
      await prepared.run();
      const results = new Map<string, ArrayLike<number>>();
      for (const [name, { tensors, decode }] of this.#results) {
        const words = await Promise.all(tensors.map((tensor) => prepared.read(tensor)));
        results.set(name, decode(joined(words)));
      }
      return results;
    } finally {
      prepared.dispose();
    }
  }
}

/** A session of a case with the hashes recorded for it; `pads` where the model pads inside. */
export function openSession(c: Case, gpu: Gpu, fixedPoint: boolean, pads = false, lossScale = 1) {
  const shape = callShape(c, pads);
  const hashes = recordedHashes(c, shape);
  const session = new Session(c, shape, gpu, hashes, { fixedPoint, lossScale });
  return { shape, hashes, session, context: session.context };
}

function joined(parts: readonly TypedArray[]): TypedArray {
  const [first] = parts;
  if (!first || parts.length === 1) return first ?? new Float32Array();
  const all = new (first.constructor as new (count: number) => TypedArray)(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** [outer, a, b, inner] as [outer, b, a, inner]. */
function exchange(
  values: ArrayLike<number>,
  outer: number,
  a: number,
  b: number,
  inner: number,
): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const column = i % inner;
    const inB = Math.floor(i / inner) % b;
    const inA = Math.floor(i / (inner * b)) % a;
    const row = Math.floor(i / (inner * b * a));
    out[((row * b + inB) * a + inA) * inner + column] = values[i] as number;
  }
  if (outer * a * b * inner !== values.length)
    throw new Error(`${values.length} values are not [${outer}, ${a}, ${b}, ${inner}]`);
  return out;
}
