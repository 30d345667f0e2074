// What will run, as data: tensors and a list of dispatches. Layers append to a Recording; plan.ts places its tensors in
// buffers; run.ts encodes it. Nothing here touches a GPU.
import { ConfigError, ShapeError } from "../errors.js";
import type { Dims, Kernel, ScalarType, Storage } from "../gpu/kernel.js";
import { elements, halvesShape, layOut, roundUp } from "../shapes.js";

/** Where memory is counted in plans and reports. */
export type MemoryCategory =
  | "weights"
  | "gradients"
  | "optimizer"
  | "streams"
  | "workspace"
  | "state"
  | "dispatch parameters";

/** Storage-binding offsets are multiples of this many bytes (WebGPU's guaranteed limit). */
export const ALIGNMENT = 256;

/** A typed, shaped range of GPU memory; 4-byte elements, row-major. */
export interface Tensor {
  readonly label: string;
  readonly shape: readonly number[];
  readonly type: ScalarType;
  /** Bytes, a multiple of 4. */
  readonly byteLength: number;
  /** Persistent memory; a tensor without an arena lives only between its first and last use in one recording. */
  readonly arena?: Arena;
  /** The tensor this one is a part of. */
  readonly base?: Tensor;
  /** Bytes from the start of `base`, or of the arena; a multiple of ALIGNMENT. */
  readonly byteOffset: number;
}

/** Persistent memory of one category, filled in order. It becomes one or more GPUBuffers, none over the binding limit. */
export class Arena {
  readonly tensors: Tensor[] = [];
  #byteLength = 0;
  constructor(
    readonly label: string,
    readonly category: MemoryCategory,
  ) {}

  /** Appends a tensor; offsets of equal sequences of shapes are equal in every arena. */
  tensor(label: string, shape: readonly number[], type: ScalarType = "f32"): Tensor {
    const byteLength = elements(shape) * 4;
    const tensor: Tensor = { label, shape, type, byteLength, arena: this, byteOffset: this.#byteLength };
    this.tensors.push(tensor);
    this.#byteLength += roundUp(byteLength, ALIGNMENT);
    return tensor;
  }

  /** Appends neighbours that never part: views of one tensor, at the offsets that tensors of their own would have. */
  neighbours(label: string, parts: readonly { readonly label: string; readonly shape: readonly number[] }[]) {
    const { starts, end } = layOut(
      parts.map(({ shape }) => elements(shape)),
      ALIGNMENT / 4,
    );
    const all = this.tensor(label, [end]);
    return parts.map(({ label: own, shape }, i) => view(all, starts[i] as number, shape, { label: own }));
  }

  get byteLength(): number {
    return this.#byteLength;
  }
}

/** Whether `next` follows `tensor` in the memory of one tensor. */
export function areNeighbours(tensor: Tensor, next: Tensor): boolean {
  if (tensor.base === undefined || tensor.base !== next.base) return false;
  return next.byteOffset === tensor.byteOffset + roundUp(tensor.byteLength, ALIGNMENT);
}

/** From the start of one part of a tensor to the end of another, as a tensor. */
export function spanOf(first: Tensor, last: Tensor): Tensor {
  if (first === last) return first;
  const byteLength = last.byteOffset + last.byteLength - first.byteOffset;
  return { ...first, label: `${first.label} to ${last.label}`, shape: [byteLength / 4], byteLength };
}

/** Part of a tensor, as a tensor: `shape` elements starting `offset` elements in (a multiple of 64). */
export function view(
  base: Tensor,
  offset: number,
  shape: readonly number[],
  options: { readonly type?: ScalarType; readonly label?: string } = {},
): Tensor {
  const byteLength = elements(shape) * 4;
  if ((offset * 4) % ALIGNMENT !== 0) {
    throw new ShapeError(
      `view of ${base.label} starts at element ${offset}: it must be a multiple of ${ALIGNMENT / 4}`,
    );
  }
  if (offset * 4 + byteLength > base.byteLength) {
    throw new ShapeError(
      `view of ${base.label} needs elements ${offset}..${offset + byteLength / 4}, it has ${base.byteLength / 4}`,
    );
  }
  return {
    label: options.label ?? base.label,
    shape,
    type: options.type ?? base.type,
    byteLength,
    ...(base.arena ? { arena: base.arena } : {}),
    base: base.base ?? base,
    byteOffset: base.base || base.arena ? base.byteOffset + offset * 4 : offset * 4,
  };
}

/** Memory of numbers of `shape` that lives as `Recording.tensor` says: f32, or u32 words of halves. */
export function storedTensor(
  recording: Recording,
  label: string,
  shape: readonly number[],
  storage: Storage,
): Tensor {
  return storage === "half"
    ? recording.tensor(label, halvesShape(shape), "u32")
    : recording.tensor(label, shape);
}

/** How the numbers of such a tensor are stored. */
export const storageOf = ({ type }: Tensor): Storage => (type === "u32" ? "half" : "f32");

/** One element of a tensor in an arena. For copies alone: its offset suits no binding. */
export function element(tensor: Tensor, index: number): Tensor {
  return { ...rowOf(tensor, index, 1), label: `${tensor.label}[${index}]` };
}

/** Row `index` of a tensor as rows of `width`. For copies alone: its offset suits no binding. */
export function rowOf(tensor: Tensor, index: number, width: number): Tensor {
  return {
    ...tensor,
    shape: [width],
    byteLength: 4 * width,
    base: tensor.base ?? tensor,
    byteOffset: tensor.byteOffset + 4 * width * index,
  };
}

export interface DispatchOp {
  readonly op: "dispatch";
  readonly label: string;
  readonly kernel: Kernel<Dims>;
  readonly dims: Dims;
  /** In the kernel's binding order; undefined for an optional binding left out. */
  readonly tensors: readonly (Tensor | undefined)[];
}
/** Fills a tensor with zeros. */
export interface ClearOp {
  readonly op: "clear";
  readonly label: string;
  readonly tensor: Tensor;
}
/** Copies all of `from` to the start of `to`. */
export interface CopyOp {
  readonly op: "copy";
  readonly label: string;
  readonly from: Tensor;
  readonly to: Tensor;
}
export type Op = DispatchOp | ClearOp | CopyOp;

/** Tensors a kernel call needs: optional bindings may be undefined. */
export type TensorArguments = Readonly<Record<string, Tensor | undefined>>;

/** An ordered list of GPU operations. */
export class Recording {
  readonly ops: Op[] = [];
  readonly #scope: string[] = [];

  /** Memory that lives only between its first and its last use. It starts with arbitrary content. */
  tensor(label: string, shape: readonly number[], type: ScalarType = "f32"): Tensor {
    return { label: this.#label(label), shape, type, byteLength: elements(shape) * 4, byteOffset: 0 };
  }

  /** Labels everything recorded inside `body` with `name.` in front. */
  scope<T>(name: string, body: () => T): T {
    this.#scope.push(name);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /**
   * Appends a kernel call after checking every tensor against the kernel's table.
   * @throws {ShapeError} naming the binding.
   */
  dispatch<D extends Dims>(kernel: Kernel<D>, dims: NoInfer<D>, tensors: TensorArguments): void {
    const label = this.#label(kernel.name);
    for (const name of Object.keys(tensors)) {
      if (!(name in kernel.bindings)) throw new ShapeError(`${label} has no binding "${name}"`);
    }
    const bound = Object.entries(kernel.bindings).map(([name, binding]) => {
      const tensor = tensors[name];
      if (!tensor) {
        if (binding.optional) return undefined;
        throw new ShapeError(`${label} needs a tensor for "${name}"`);
      }
      const shape = binding.shape(dims);
      const type = binding.type ?? "f32";
      if (elements(shape) * 4 !== tensor.byteLength || type !== tensor.type) {
        throw new ShapeError(
          `${label}: ${name} is ${tensor.type}[${tensor.shape.join(", ")}] (${tensor.label}), needed ${type}[${shape.join(", ")}]`,
        );
      }
      return tensor;
    });
    for (const field of Object.keys(kernel.params)) {
      const value = Number((dims as Record<string, unknown>)[field]);
      if (!Number.isFinite(value)) throw new ConfigError(`${label}: parameter ${field} is ${value}`);
    }
    this.ops.push({ op: "dispatch", label, kernel: kernel as unknown as Kernel<Dims>, dims, tensors: bound });
  }

  clear(tensor: Tensor): void {
    this.ops.push({ op: "clear", label: this.#label(`clear ${tensor.label}`), tensor });
  }

  copy(from: Tensor, to: Tensor): void {
    this.ops.push({ op: "copy", label: this.#label(`copy ${from.label}`), from, to });
  }

  #label(name: string): string {
    return this.#scope.length ? `${this.#scope.join(".")}.${name}` : name;
  }
}
