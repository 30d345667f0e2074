/** Counts the bytes of all GPU buffers of this thread from outside the library. */

export interface GpuBytes {
  /** Bytes of buffers made since counting began and not destroyed. */
  live(): number;
  /** The most they have been, and the buffers of that moment: label to bytes. */
  peak(): { readonly total: number; readonly byLabel: ReadonlyMap<string, number> };
  [Symbol.dispose](): void;
}

export function countGpuBytes(): GpuBytes {
  const buffers = new Map<GPUBuffer, { readonly label: string; readonly size: number }>();
  let live = 0;
  let peak: { readonly total: number; readonly buffers: readonly { label: string; size: number }[] } = {
    total: 0,
    buffers: [],
  };
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    buffers.set(buffer, { label: descriptor.label ?? "", size: buffer.size });
    live += buffer.size;
    if (live > peak.total) peak = { total: live, buffers: [...buffers.values()] };
    return buffer;
  };
  GPUBuffer.prototype.destroy = function (this: GPUBuffer) {
    live -= buffers.get(this)?.size ?? 0;
    buffers.delete(this);
    return destroy.call(this);
  };
  return {
    live: () => live,
    peak: () => {
      const byLabel = new Map<string, number>();
      for (const { label, size } of peak.buffers) byLabel.set(label, (byLabel.get(label) ?? 0) + size);
      return { total: peak.total, byLabel };
    },
    [Symbol.dispose]: () => {
      GPUDevice.prototype.createBuffer = createBuffer;
      GPUBuffer.prototype.destroy = destroy;
    },
  };
}
