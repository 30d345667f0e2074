/** Counts the bytes of all GPU buffers of this thread from outside the library. */

export interface GpuBytes {
  /** Bytes of buffers made since counting began and not destroyed. */
  live(): number;
  [Symbol.dispose](): void;
}

export function countGpuBytes(): GpuBytes {
  const sizes = new Map<GPUBuffer, number>();
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    sizes.set(buffer, buffer.size);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function (this: GPUBuffer) {
    sizes.delete(this);
    return destroy.call(this);
  };
  return {
    live: () => [...sizes.values()].reduce((sum, size) => sum + size, 0),
    [Symbol.dispose]: () => {
      GPUDevice.prototype.createBuffer = createBuffer;
      GPUBuffer.prototype.destroy = destroy;
    },
  };
}
