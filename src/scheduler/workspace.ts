// Shares memory between transient tensors: those that are never needed at the same time may lie in the same place.
// WebGPU forbids one buffer to be bound both read-only and writable in one dispatch, even at disjoint ranges, so they are
// spread over several buffers, as in the colouring of a graph.
import { GpuOutOfMemoryError } from "../errors.js";
import { roundUp } from "../shapes.js";
import { ALIGNMENT, type Op, type Tensor } from "./recording.js";

/** Bytes that one buffer and one binding may have. */
export interface BufferLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/** Tensors an operation touches. */
export function tensorsOf(op: Op): Tensor[] {
  if (op.op === "clear") return [op.tensor];
  if (op.op === "copy") return [op.from, op.to];
  return op.tensors.filter((t): t is Tensor => t !== undefined);
}

export type Use = "read" | "write";

/** How an operation uses its tensors' buffers. A copy, too, may not read and write one buffer. */
export function usesOf(op: Op): { tensor: Tensor; use: Use }[] {
  if (op.op === "clear") return [];
  if (op.op === "copy") {
    return [
      { tensor: op.from, use: "read" },
      { tensor: op.to, use: "write" },
    ];
  }
  const accesses = Object.values(op.kernel.bindings).map(
    (b): Use => (b.access === "read" ? "read" : "write"),
  );
  return op.tensors.flatMap((tensor, i) => (tensor ? [{ tensor, use: accesses[i] as Use }] : []));
}

/** One buffer of the workspace. */
export interface Colour {
  byteLength: number;
}

interface Lifetime {
  readonly tensor: Tensor;
  readonly first: number;
  last: number;
  readonly uses: { op: number; use: Use }[];
}

/** Greedy by size: the largest tensor first, each into the buffer that grows least, at the lowest free offset. */
export function placeTransients(
  ops: readonly Op[],
  limits: BufferLimits,
  colours: Colour[],
  placed: Map<Tensor, { colour: number; byteOffset: number }>,
): void {
  const lifetimes = new Map<Tensor, Lifetime>();
  const touch = (tensor: Tensor, op: number): Lifetime => {
    const base = tensor.base ?? tensor;
    let life = lifetimes.get(base);
    if (!life) {
      life = { tensor: base, first: op, last: op, uses: [] };
      lifetimes.set(base, life);
    }
    life.last = op;
    return life;
  };
  ops.forEach((op, i) => {
    for (const tensor of tensorsOf(op)) if (!tensor.arena) touch(tensor, i);
    for (const { tensor, use } of usesOf(op)) if (!tensor.arena) touch(tensor, i).uses.push({ op: i, use });
  });
  const limit = limits.maxBufferSize;
  const residents = colours.map(() => new Residents());
  const bound: Map<number, Use>[] = colours.map(() => new Map());
  const order = [...lifetimes.values()].sort(
    (a, b) => b.tensor.byteLength - a.tensor.byteLength || a.first - b.first,
  );
  for (const { tensor, first, last, uses } of order) {
    checkBinding(tensor, limits);
    const size = roundUp(tensor.byteLength, ALIGNMENT);
    let best = { colour: colours.length, byteOffset: 0, growth: size };
    colours.forEach((colour, c) => {
      if (uses.some(({ op, use }) => (bound[c]?.get(op) ?? use) !== use)) return;
      const byteOffset = residents[c]?.lowestGap(size, first, last) ?? 0;
      const growth = Math.max(0, byteOffset + size - colour.byteLength);
      if (byteOffset + size <= limit && growth < best.growth) best = { colour: c, byteOffset, growth };
    });
    if (best.colour === colours.length) {
      colours.push({ byteLength: 0 });
      residents.push(new Residents());
      bound.push(new Map());
    }
    const colour = colours[best.colour] as Colour;
    colour.byteLength = Math.max(colour.byteLength, best.byteOffset + size);
    residents[best.colour]?.add({ byteOffset: best.byteOffset, end: best.byteOffset + size, first, last });
    for (const { op, use } of uses) bound[best.colour]?.set(op, use);
    placed.set(tensor, { colour: best.colour, byteOffset: best.byteOffset });
  }
}

interface Resident {
  readonly byteOffset: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

/** Operations of one group below. */
const GROUP = 64;

/**
 * What lies in one buffer. Long recordings have many tensors of short lives: those that live within a group of operations
 * and the next are found by group, so that planning takes time in proportion to the recording's length.
 */
class Residents {
  readonly #long: Resident[] = [];
  /** By the group in which they begin. */
  readonly #short = new Map<number, Resident[]>();

  add(resident: Resident): void {
    if (resident.last - resident.first > GROUP) {
      this.#long.push(resident);
      return;
    }
    const group = Math.floor(resident.first / GROUP);
    const members = this.#short.get(group);
    if (members) members.push(resident);
    else this.#short.set(group, [resident]);
  }

  /** The lowest offset at which `size` bytes are free from the first to the last operation. */
  lowestGap(size: number, first: number, last: number): number {
    const alive = this.#long.filter((r) => r.first <= last && first <= r.last);
    for (let group = Math.floor((first - GROUP) / GROUP); group <= Math.floor(last / GROUP); group++) {
      for (const r of this.#short.get(group) ?? []) if (r.first <= last && first <= r.last) alive.push(r);
    }
    alive.sort((a, b) => a.byteOffset - b.byteOffset);
    let offset = 0;
    for (const r of alive) {
      if (r.byteOffset - offset >= size) break;
      offset = Math.max(offset, r.end);
    }
    return offset;
  }
}

/** @throws {GpuOutOfMemoryError} where a tensor needs a larger binding than there is */
export function checkBinding(tensor: Tensor, limits: BufferLimits): void {
  if (tensor.byteLength > limits.maxStorageBufferBindingSize) {
    throw new GpuOutOfMemoryError(
      `${tensor.label} needs ${tensor.byteLength} bytes in one binding, this device allows ${limits.maxStorageBufferBindingSize}: use a shorter length, a smaller batch or a larger maxStorageBufferBindingSize`,
      { tensor: tensor.label, needed: tensor.byteLength, limit: limits.maxStorageBufferBindingSize },
    );
  }
}
