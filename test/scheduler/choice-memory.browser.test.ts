import { expect, test } from "vitest";
import { keepChoices, openBrowserChoices, recallChoices } from "../../src/engine/choice-memory.js";
import { listOpfsStores } from "../../src/io/opfs-store.js";
import { rememberedChoices } from "../../src/scheduler/tune.js";

test("the browser's private files keep choices, apart from checkpoints", async () => {
  const device = { adapterInfo: { vendor: "of this test" } } as GPUDevice;
  const before = await listOpfsStores();
  const known = rememberedChoices(device);
  for (const variant of ["plain", "tiled"]) {
    known.set("matmul 64", variant);
    await keepChoices(device, openBrowserChoices); // the second replaces the first
  }
  known.clear();
  await recallChoices(device, openBrowserChoices);
  expect(Object.fromEntries(known)).toEqual({ "matmul 64": "tiled" });
  expect(await listOpfsStores()).toEqual(before);
});
