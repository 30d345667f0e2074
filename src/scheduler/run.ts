// Executes a plan: buffers and bind groups are made once; a run only encodes. Work is submitted in slices of bounded
// predicted GPU time, at most two in flight, so that the desktop stays alive and a run can be cancelled in between.
import type { CompiledKernel, Gpu } from "../gpu/gpu.js";
import type { ScalarType } from "../gpu/kernel.js";
import type { Plan, PlannedDispatch } from "./plan.js";
import type { Arena, DispatchOp, Op, Recording, Tensor } from "./recording.js";
import { SpeedModel, type Work, workOf } from "./speed-model.js";
import { INTERACTIVE_SLICE, SLICE, Submitter } from "./submitter.js";

type TypedArray = Float32Array | Uint32Array | Int32Array;

/** One dispatch's measured GPU time. */
export interface ProfileRow {
  readonly label: string;
  readonly kernel: string;
  readonly variant: string;
  readonly nanoseconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/** An operation and what it weighs. */
interface Weighed extends Work {
  readonly op: Op;
}

interface PreparedDispatch {
  readonly compiled: CompiledKernel;
  readonly bindGroup: GPUBindGroup;
  readonly offsets: readonly number[];
  readonly grid: readonly [number, number, number];
}

/** A plan with its memory on a device. Owns the buffers it allocated; borrows those of `shared` arenas. */
export class PreparedPlan {
  readonly #prepared = new Map<Op, PreparedDispatch>();
  readonly #submitter: Submitter;
  /** Of each recording. */
  readonly #work: readonly (readonly Weighed[])[];
  /** The read in progress: the readback buffer serves one at a time. */
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly gpu: Gpu,
    readonly plan: Plan,
    readonly buffers: readonly GPUBuffer[],
    readonly borrowed: ReadonlySet<GPUBuffer>,
  ) {
    this.#submitter = new Submitter(gpu.device.queue, SpeedModel.of(gpu.device));
    this.#work = plan.recordings.map(({ ops, dispatches }) =>
      ops.map((op) => ({ op, ...workOf(op, dispatches.get(op)?.variant.name) })),
    );
  }

  /**
   * Allocates the planned buffers, compiles all pipelines in parallel and makes all bind groups.
   * Arenas that `shared` already holds are bound, not allocated again; so are the arenas of the tensors in `given`,
   * each a single tensor in a buffer of the caller's.
   */
  static async create(
    gpu: Gpu,
    plan: Plan,
    options: {
      readonly shared?: PreparedPlan | undefined;
      readonly given?: ReadonlyMap<Tensor, GPUBuffer> | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((compiled: number, total: number) => void) | undefined;
    } = {},
  ): Promise<PreparedPlan> {
    const { shared, given, signal, onProgress } = options;
    signal?.throwIfAborted();
    const held = new Map<number, GPUBuffer>();
    given?.forEach((buffer, tensor) => void held.set(plan.place(tensor).buffer, buffer));
    if (shared) {
      for (const arena of plan.arenas.filter((a) => shared.plan.arenas.includes(a))) {
        for (const tensor of arena.tensors) held.set(plan.place(tensor).buffer, shared.buffer(tensor));
      }
    }
    const missing = plan.buffers.map((_, i) => i).filter((i) => !held.has(i));
    const allocated = await gpu.allocate(
      missing.map((i) => {
        const buffer = plan.buffers[i] as Plan["buffers"][number];
        return { ...buffer, usage: usageOf(plan, i) };
      }),
    );
    const buffers = plan.buffers.map((_, i) => held.get(i) ?? (allocated[missing.indexOf(i)] as GPUBuffer));
    const prepared = new PreparedPlan(gpu, plan, buffers, new Set(held.values()));
    try {
      gpu.device.queue.writeBuffer(buffers[plan.paramsBuffer] as GPUBuffer, 0, plan.params);
      await prepared.#prepare(signal, onProgress);
      return prepared;
    } catch (error) {
      prepared.dispose();
      throw error;
    }
  }

  async #prepare(
    signal: AbortSignal | undefined,
    onProgress: ((done: number, total: number) => void) | undefined,
  ): Promise<void> {
    const all = this.plan.recordings.flatMap((r) => [...r.dispatches.values()]);
    let done = 0;
    await Promise.all(
      all.map(async (planned) => {
        const { kernel, dims } = planned.op;
        const compiled = await this.gpu.pipeline(kernel, planned.variant, dims);
        signal?.throwIfAborted();
        this.#prepared.set(planned.op, this.#bind(planned, compiled));
        onProgress?.(++done, all.length);
      }),
    );
    this.gpu.check();
  }

  #bind({ op, variant, paramsOffset }: PlannedDispatch, compiled: CompiledKernel): PreparedDispatch {
    const hasParams = Object.keys(op.kernel.params).length > 0;
    const entries: GPUBindGroupEntry[] = op.tensors.map((tensor, i) => ({
      binding: i + 1,
      resource: tensor ? this.#resource(tensor) : { buffer: this.buffers[this.plan.zeroBuffer] as GPUBuffer },
    }));
    if (hasParams) {
      entries.unshift({
        binding: 0,
        resource: {
          buffer: this.buffers[this.plan.paramsBuffer] as GPUBuffer,
          size: Object.keys(op.kernel.params).length * 4,
        },
      });
    }
    return {
      compiled,
      bindGroup: this.gpu.device.createBindGroup({ label: op.label, layout: compiled.layout, entries }),
      offsets: hasParams ? [paramsOffset] : [],
      grid: variant.grid(op.dims),
    };
  }

  #resource(tensor: Tensor): GPUBufferBinding {
    const { buffer, byteOffset } = this.plan.place(tensor);
    return { buffer: this.buffers[buffer] as GPUBuffer, offset: byteOffset, size: tensor.byteLength };
  }

  /** The buffer that holds a tensor. */
  buffer(tensor: Tensor): GPUBuffer {
    return this.buffers[this.plan.place(tensor).buffer] as GPUBuffer;
  }

  /**
   * Encodes and submits one recording, or several one after another in as few submits; resolves when they have been
   * submitted (not finished).
   */
  async run(
    indices: number | readonly number[] = 0,
    options: {
      readonly signal?: AbortSignal | undefined;
      /** In one submit: work that is known to be short, such as what is timed. */
      readonly whole?: boolean | undefined;
    } = {},
  ): Promise<void> {
    const { signal, whole = false } = options;
    const work = [indices].flat().flatMap((index) => {
      const recording = this.#work[index];
      if (!recording) throw new Error(`internal: no recording ${index}`);
      return recording;
    });
    const budget = this.gpu.interactive ? INTERACTIVE_SLICE : SLICE;
    await this.#submitter.run(work, whole ? Number.POSITIVE_INFINITY : budget, (slice) => {
      signal?.throwIfAborted();
      this.gpu.check();
      const encoder = this.gpu.device.createCommandEncoder({ label: slice[0]?.op.label ?? "slice" });
      this.#encode(
        encoder,
        slice.map(({ op }) => op),
      );
      return encoder.finish();
    });
  }

  /** Resolves when everything submitted so far has finished on the GPU. */
  async finish(): Promise<void> {
    await this.#submitter.drain();
    this.gpu.check();
  }

  #encode(encoder: GPUCommandEncoder, ops: readonly Op[]): void {
    let pass: GPUComputePassEncoder | undefined;
    for (const op of ops) {
      if (op.op === "dispatch") {
        pass ??= encoder.beginComputePass();
        this.#encodeDispatch(pass, op);
        continue;
      }
      pass?.end();
      pass = undefined;
      if (op.op === "clear") {
        const { buffer, byteOffset } = this.plan.place(op.tensor);
        encoder.clearBuffer(this.buffers[buffer] as GPUBuffer, byteOffset, op.tensor.byteLength);
      } else {
        const from = this.plan.place(op.from);
        const to = this.plan.place(op.to);
        encoder.copyBufferToBuffer(
          this.buffers[from.buffer] as GPUBuffer,
          from.byteOffset,
          this.buffers[to.buffer] as GPUBuffer,
          to.byteOffset,
          op.from.byteLength,
        );
      }
    }
    pass?.end();
  }

  #encodeDispatch(pass: GPUComputePassEncoder, op: DispatchOp): void {
    const { compiled, bindGroup, offsets, grid } = this.#prepared.get(op) as PreparedDispatch;
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, bindGroup, offsets);
    pass.dispatchWorkgroups(...grid);
  }

  /** The dispatches of recording `index`, not run. */
  describe(index = 0): (Omit<ProfileRow, "nanoseconds"> & { readonly nanoseconds: null })[] {
    return (this.plan.recordings[index]?.ops ?? []).flatMap((op) =>
      op.op === "dispatch"
        ? [
            {
              label: op.label,
              kernel: op.kernel.name,
              variant: this.plan.recordings[index]?.dispatches.get(op)?.variant.name ?? "plain",
              nanoseconds: null,
              ...op.kernel.cost(op.dims),
            },
          ]
        : [],
    );
  }

  /** Runs recording `index` with one timed pass per dispatch. Needs the device feature timestamp-query. */
  async profile(index = 0): Promise<ProfileRow[]> {
    const ops = this.plan.recordings[index]?.ops ?? [];
    const { device } = this.gpu;
    const rows: ProfileRow[] = [];
    const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
    const resolve = device.createBuffer({
      label: "timestamps",
      size: 256,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    try {
      for (const op of ops) {
        const encoder = device.createCommandEncoder({ label: op.label });
        if (op.op !== "dispatch") {
          this.#encode(encoder, [op]);
          device.queue.submit([encoder.finish()]);
          continue;
        }
        const pass = encoder.beginComputePass({
          timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
        });
        this.#encodeDispatch(pass, op);
        pass.end();
        encoder.resolveQuerySet(querySet, 0, 2, resolve, 0);
        device.queue.submit([encoder.finish()]);
        const [start = 0n, end = 0n] = new BigUint64Array(await this.gpu.read(resolve, 0, 16));
        const variant = this.plan.recordings[index]?.dispatches.get(op)?.variant.name ?? "plain";
        rows.push({
          label: op.label,
          kernel: op.kernel.name,
          variant,
          nanoseconds: Number(end - start),
          ...op.kernel.cost(op.dims),
        });
      }
    } finally {
      querySet.destroy();
      resolve.destroy();
    }
    return rows;
  }

  /** Copies `data` into a tensor. */
  write(tensor: Tensor, data: TypedArray, elementOffset = 0): void {
    const { buffer, byteOffset } = this.plan.place(tensor);
    this.gpu.device.queue.writeBuffer(
      this.buffers[buffer] as GPUBuffer,
      byteOffset + elementOffset * 4,
      data as TypedArray & ArrayBufferView<ArrayBuffer>,
    );
  }

  /** Copies a tensor to the CPU once everything submitted before has run, in pieces as large as the readback buffer. */
  read(tensor: Tensor): Promise<TypedArray> {
    const { buffer, byteOffset } = this.plan.place(tensor);
    const from = this.buffers[buffer] as GPUBuffer;
    const through = this.plan.readbacks[0];
    const done = this.#reading.then(async () => {
      const staging = through === undefined ? undefined : this.buffers[through];
      return typed(await this.gpu.read(from, byteOffset, tensor.byteLength, staging), tensor.type);
    });
    this.#reading = done.catch(() => undefined);
    return done;
  }

  /** Frees the buffers this plan allocated. Idempotent. */
  dispose(): void {
    for (const buffer of this.buffers) if (!this.borrowed.has(buffer)) this.gpu.free(buffer);
  }
}

function usageOf(plan: Plan, buffer: number): GPUBufferUsageFlags {
  if (plan.readbacks.includes(buffer)) return GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  if (buffer === plan.paramsBuffer) return GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  return GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
}

function typed(bytes: ArrayBuffer, type: ScalarType): TypedArray {
  if (type === "f32") return new Float32Array(bytes);
  return type === "u32" ? new Uint32Array(bytes) : new Int32Array(bytes);
}

export type { Arena, Recording };
