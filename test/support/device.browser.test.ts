import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { getDevice } from "./device.js";

test("gpuCrash() loses the device, and a new one can be had, more than once", async () => {
  for (let crash = 0; crash < 3; crash++) {
    const device = await getDevice({});
    await commands.gpuCrash();
    const { reason } = await device.lost;
    expect(reason).toBe("unknown");
  }
  const recovered = await getDevice({});
  expect(recovered.limits.maxBufferSize).toBeGreaterThan(0);
  recovered.destroy();
});
