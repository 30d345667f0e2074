// Bytes of GPU buffers of this page, and the errors of its devices. Imported before anything that opens a device.

let live = 0;
let peak = 0;
const sizes = new WeakMap<GPUBuffer, number>();
const problems: string[] = [];
let device: GPUDevice | undefined;

const { createBuffer } = GPUDevice.prototype;
GPUDevice.prototype.createBuffer = function (descriptor) {
  const buffer = createBuffer.call(this, descriptor);
  sizes.set(buffer, descriptor.size);
  live += descriptor.size;
  peak = Math.max(peak, live);
  return buffer;
};

const { destroy } = GPUBuffer.prototype;
GPUBuffer.prototype.destroy = function () {
  live -= sizes.get(this) ?? 0;
  sizes.delete(this);
  return destroy.call(this);
};

const { requestDevice } = GPUAdapter.prototype;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const opened = await requestDevice.call(this, descriptor);
  opened.addEventListener("uncapturederror", ({ error }) => void problems.push(error.message));
  void opened.lost.then(({ message }) => problems.push(`device lost: ${message}`));
  device = opened;
  return opened;
};

/** Largest number of bytes of buffers created and not destroyed so far, those of pools and staging included. */
export const peakBytes = (): number => peak;

/** The device that was opened last. */
export function openedDevice(): GPUDevice {
  if (!device) throw new Error("no device was opened");
  return device;
}

/** @throws {Error} with the first error that a device reported */
export function checkDevices(): void {
  const [first] = problems;
  if (first !== undefined) throw new Error(first);
}
