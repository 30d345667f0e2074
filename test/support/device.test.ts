import { expect, test } from "vitest";
import { getDevice, withErrorScopes } from "./device.js";

const DOUBLE = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&data)) { data[id.x] = 2u * data[id.x] + 1u; }
}`;

test("getDevice() computes: a shader changes a buffer and the result reads back", async () => {
  const device = await getDevice();
  const input = Uint32Array.from({ length: 100 }, (_, i) => i * i);
  const result = await withErrorScopes(device, async () => {
    const storage = device.createBuffer({
      size: input.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    const staging = device.createBuffer({
      size: input.byteLength,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(storage, 0, input);
    const pipeline = await device.createComputePipelineAsync({
      layout: "auto",
      compute: { module: device.createShaderModule({ code: DOUBLE }) },
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [{ binding: 0, resource: { buffer: storage } }],
      }),
    );
    pass.dispatchWorkgroups(2);
    pass.end();
    encoder.copyBufferToBuffer(storage, 0, staging, 0, input.byteLength);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const copy = new Uint32Array(staging.getMappedRange().slice(0));
    storage.destroy();
    staging.destroy();
    return copy;
  });
  expect(result).toEqual(input.map((x) => 2 * x + 1));
});

test("getDevice() is one device per file; getDevice({ defaultLimits }) is a fresh one with WebGPU's default limits", async () => {
  const device = await getDevice();
  expect(await getDevice()).toBe(device);
  const plain = await getDevice({ defaultLimits: true });
  expect(plain).not.toBe(device);
  expect(plain.limits.maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
  expect(plain.limits.maxBufferSize).toBe(256 * 2 ** 20);
  plain.destroy();
});

test("getDevice() requests standard features only: nothing that one browser alone has", async () => {
  const device = await getDevice();
  const standard = ["core-features-and-limits", "timestamp-query", "shader-f16", "subgroups"];
  expect([...device.features].filter((feature) => !standard.includes(feature))).toEqual([]);
});

test("withErrorScopes() turns a validation error into an exception", async () => {
  const device = await getDevice();
  const invalid = () =>
    device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  await expect(withErrorScopes(device, invalid)).rejects.toThrow("validation");
});

test("withErrorScopes() passes the function's own exception on", async () => {
  const device = await getDevice();
  const own = new RangeError("own");
  const failing = withErrorScopes(device, () => Promise.reject(own));
  await expect(failing).rejects.toBe(own);
});
