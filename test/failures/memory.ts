/** Makes a device refuse memory beyond a budget, as a full GPU does: the error comes with the out-of-memory scope. */
export function withinMemory(device: GPUDevice, budget: number): { restore(): void } {
  const { createBuffer, pushErrorScope, popErrorScope } = device;
  const scopes: { readonly filter: GPUErrorFilter; full: boolean }[] = [];
  let used = 0;
  device.createBuffer = (descriptor) => {
    used += descriptor.size;
    const scope = scopes.findLast(({ filter }) => filter === "out-of-memory");
    if (used > budget && scope) scope.full = true;
    return createBuffer.call(device, descriptor);
  };
  device.pushErrorScope = (filter) => {
    scopes.push({ filter, full: false });
    return pushErrorScope.call(device, filter);
  };
  device.popErrorScope = async () => {
    const scope = scopes.pop();
    const error = await popErrorScope.call(device);
    return scope?.full ? ({ message: "no memory left" } as GPUOutOfMemoryError) : error;
  };
  return { restore: () => void Object.assign(device, { createBuffer, pushErrorScope, popErrorScope }) };
}
