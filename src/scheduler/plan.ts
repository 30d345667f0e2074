// Places every tensor of some recordings in GPU buffers, without a GPU: arenas for what lasts, a shared workspace for the
// rest, and every dispatch's variant and parameters.
import type { Dims, Variant } from "../gpu/kernel.js";
import { roundUp } from "../shapes.js";
import { ParamsPacker } from "./params-packer.js";
import {
  ALIGNMENT,
  type Arena,
  type DispatchOp,
  type MemoryCategory,
  type Op,
  type Recording,
  type Tensor,
} from "./recording.js";
import { chooseVariant, type FormProfile } from "./variants.js";
import {
  type BufferLimits,
  type Colour,
  checkBinding,
  placeTransients,
  tensorsOf,
  type Use,
  usesOf,
} from "./workspace.js";

/** What a plan must know of a device. `GPUSupportedLimits` and plain objects both fit. */
export interface DeviceProfile extends BufferLimits, FormProfile {
  /** Bytes of GPU memory that a model may hold at once; none: what the device gives. */
  readonly memoryLimit?: number;
  /** Feed-forward blocks and heads divide the rows that they work on at a time by it; default 1. */
  readonly chunkDivisor?: number;
  /** Heads that attention computes at a time; default all. */
  readonly headGroup?: number | undefined;
}

/** What may differ between two plans of the same run on the same device: it decides the order of sums. */
export interface PlanChoices {
  readonly chunkDivisor: number;
  /** All heads where absent. */
  readonly headGroup?: number | undefined;
  readonly tuned: Readonly<Record<string, string>>;
}

/** WebGPU's guaranteed limits, the smallest device the library runs on. */
export const DEFAULT_LIMITS: DeviceProfile = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  features: new Set(),
};

/** A range of one planned buffer. */
export interface Placement {
  readonly buffer: number;
  readonly byteOffset: number;
}

export interface PlannedBuffer {
  readonly label: string;
  readonly category: MemoryCategory;
  readonly byteLength: number;
}

export interface PlannedDispatch {
  readonly op: DispatchOp;
  readonly variant: Variant<Dims>;
  readonly paramsOffset: number;
}

/** Bytes by category; `total` is what `createBuffer` will be asked for, exactly. */
export type MemoryReport = Readonly<Record<MemoryCategory, number>> & {
  readonly total: number;
  readonly largestBinding: number;
};

export interface Plan {
  readonly recordings: readonly {
    readonly ops: readonly Op[];
    readonly dispatches: ReadonlyMap<Op, PlannedDispatch>;
  }[];
  readonly arenas: readonly Arena[];
  readonly buffers: readonly PlannedBuffer[];
  /** The contents of the dispatch-parameter buffer, whose index in `buffers` is `paramsBuffer`. */
  readonly params: Uint8Array<ArrayBuffer>;
  readonly paramsBuffer: number;
  /** A small zero buffer for optional bindings left out. */
  readonly zeroBuffer: number;
  /** Buffers that results are read through. */
  readonly readbacks: readonly number[];
  readonly memory: MemoryReport;
  readonly choices: PlanChoices;
  place(tensor: Tensor): Placement;
}

/** Makes all plans of a model on one device, of forms of kernels that work there. */
export interface Planner {
  /** The device's, without the forms that failed so far. */
  readonly profile: DeviceProfile;
  /** Calls `make` again where a form of its plan fails. */
  plan<T extends { readonly plan: Plan }>(make: (profile: DeviceProfile) => T): Promise<T>;
}

/** Ranges of an arena that become one buffer each: as many whole tensors as one storage binding can hold. */
export function arenaRanges(
  arena: Arena,
  profile: DeviceProfile,
): { byteOffset: number; byteLength: number }[] {
  const limit = Math.min(profile.maxBufferSize, profile.maxStorageBufferBindingSize);
  const ranges: { byteOffset: number; byteLength: number }[] = [];
  for (const tensor of arena.tensors) {
    checkBinding(tensor, profile);
    const last = ranges.at(-1);
    const end = tensor.byteOffset + roundUp(tensor.byteLength, ALIGNMENT);
    if (last && end - last.byteOffset <= limit) last.byteLength = end - last.byteOffset;
    else ranges.push({ byteOffset: tensor.byteOffset, byteLength: end - tensor.byteOffset });
  }
  return ranges;
}

/** The arena as flat f32 tensors, one for each of its buffers: what optimisers and norms run over. */
export function flatTensors(arena: Arena, profile: DeviceProfile): Tensor[] {
  return arenaRanges(arena, profile).map(({ byteOffset, byteLength }, i) => ({
    label: `${arena.label}[${i}]`,
    shape: [byteLength / 4],
    type: "f32",
    byteLength,
    arena,
    byteOffset,
  }));
}

/**
 * Plans recordings that run one after another on the same memory (a training step, an evaluation step): their
 * transient tensors share buffers.
 * @throws {GpuOutOfMemoryError} where one tensor needs a larger binding than the device offers.
 */
export function plan(
  recordings: readonly Recording[],
  profile: DeviceProfile,
  options: {
    /** Arenas that are allocated although no recording touches them. */
    readonly arenas?: readonly Arena[];
    /** Bytes of each buffer that results are read through. The first serves `PreparedPlan.read`, in pieces. */
    readonly readbacks?: readonly number[];
  } = {},
): Plan {
  const buffers: PlannedBuffer[] = [];
  const add = (label: string, category: MemoryCategory, byteLength: number) =>
    buffers.push({ label, category, byteLength }) - 1;

  const arenas = new Set<Arena>(options.arenas);
  for (const { ops } of recordings)
    for (const op of ops) for (const t of tensorsOf(op)) if (t.arena) arenas.add(t.arena);
  const arenaBuffers = new Map<Arena, { byteOffset: number; byteLength: number; buffer: number }[]>();
  for (const arena of arenas) {
    const ranges = arenaRanges(arena, profile);
    arenaBuffers.set(
      arena,
      ranges.map((r, i) => ({
        ...r,
        buffer: add(ranges.length > 1 ? `${arena.label}[${i}]` : arena.label, arena.category, r.byteLength),
      })),
    );
  }

  const colours: Colour[] = [];
  const placed = new Map<Tensor, { colour: number; byteOffset: number }>();
  for (const { ops } of recordings) placeTransients(ops, profile, colours, placed);
  const firstColour = buffers.length;
  colours.forEach((c, i) => void add(`workspace[${i}]`, "workspace", c.byteLength));
  const zeroBuffer = add("zero", "workspace", ALIGNMENT);

  const params = new ParamsPacker();
  const planned = recordings.map(({ ops }) => {
    const dispatches = new Map<Op, PlannedDispatch>();
    for (const op of ops) {
      if (op.op !== "dispatch") continue;
      const variant = chooseVariant(op.kernel, op.dims, profile);
      dispatches.set(op, { op, variant, paramsOffset: params.add(op.kernel, op.dims) });
    }
    return { ops, dispatches };
  });
  const bytes = params.bytes();
  const paramsBuffer = add("dispatch parameters", "dispatch parameters", bytes.byteLength);
  const readbacks = (options.readbacks ?? []).map((size, i) => add(`readback[${i}]`, "state", size));

  const place = (tensor: Tensor): Placement => {
    const base = tensor.base ?? tensor;
    if (tensor.arena) {
      const range = arenaBuffers
        .get(tensor.arena)
        ?.findLast(
          (r) =>
            r.byteOffset <= tensor.byteOffset &&
            tensor.byteOffset + tensor.byteLength <= r.byteOffset + r.byteLength,
        );
      if (!range) throw new Error(`internal: ${tensor.label} lies outside ${tensor.arena.label}`);
      return { buffer: range.buffer, byteOffset: tensor.byteOffset - range.byteOffset };
    }
    const spot = placed.get(base);
    if (!spot) throw new Error(`internal: ${tensor.label} is not used by any planned recording`);
    return {
      buffer: firstColour + spot.colour,
      byteOffset: spot.byteOffset + (tensor.base ? tensor.byteOffset : 0),
    };
  };
  checkAliasing(
    planned.flatMap((r) => r.ops),
    place,
    buffers,
  );
  return {
    recordings: planned,
    arenas: [...arenas],
    buffers,
    params: bytes,
    paramsBuffer,
    zeroBuffer,
    readbacks,
    memory: report(
      buffers,
      planned.flatMap((r) => r.ops),
    ),
    choices: {
      chunkDivisor: profile.chunkDivisor ?? 1,
      tuned: profile.tuned ?? {},
      ...(profile.headGroup !== undefined && { headGroup: profile.headGroup }),
    },
    place,
  };
}

function checkAliasing(
  ops: readonly Op[],
  place: (t: Tensor) => Placement,
  buffers: readonly PlannedBuffer[],
): void {
  for (const op of ops) {
    const seen = new Map<number, Use>();
    for (const { tensor, use } of usesOf(op)) {
      const { buffer } = place(tensor);
      if ((seen.get(buffer) ?? use) !== use) {
        throw new Error(`internal: ${op.label} both reads and writes the buffer ${buffers[buffer]?.label}`);
      }
      seen.set(buffer, use);
    }
  }
}

function report(buffers: readonly PlannedBuffer[], ops: readonly Op[]): MemoryReport {
  const categories: Record<MemoryCategory, number> = {
    weights: 0,
    gradients: 0,
    optimizer: 0,
    streams: 0,
    workspace: 0,
    state: 0,
    "dispatch parameters": 0,
  };
  for (const { category, byteLength } of buffers) categories[category] += byteLength;
  const total = buffers.reduce((sum, b) => sum + b.byteLength, 0);
  let largestBinding = 0;
  for (const op of ops)
    for (const t of tensorsOf(op)) largestBinding = Math.max(largestBinding, t.byteLength);
  return { ...categories, total, largestBinding };
}
