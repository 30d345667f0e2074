// Packs the uniform structs of all dispatches into one buffer.
import { type Dims, dimValue, type Kernel } from "../gpu/kernel.js";
import { ALIGNMENT } from "./recording.js";

/** Packs uniform structs into 256-byte slots; equal contents share one. */
export class ParamsPacker {
  readonly #slots = new Map<string, number>();
  readonly #contents: Uint8Array[] = [];

  add(kernel: Kernel<Dims>, dims: Dims): number {
    const fields = Object.entries(kernel.params);
    const bytes = new Uint8Array(fields.length * 4);
    const data = new DataView(bytes.buffer);
    fields.forEach(([field, type], i) => {
      const value = dimValue(dims, field);
      if (type === "f32") data.setFloat32(i * 4, value, true);
      else if (type === "i32") data.setInt32(i * 4, value, true);
      else data.setUint32(i * 4, value, true);
    });
    const key = bytes.join();
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#contents.push(bytes) - 1;
      this.#slots.set(key, slot);
    }
    return slot * ALIGNMENT;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(Math.max(1, this.#contents.length) * ALIGNMENT);
    this.#contents.forEach((bytes, slot) => void all.set(bytes, slot * ALIGNMENT));
    return all;
  }
}
