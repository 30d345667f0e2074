import { expect, it } from "vitest";
import { clearDownloads } from "../../src/downloads.js";
import { openModelCache } from "../../src/io/model-cache.js";
import { listOpfsStores } from "../../src/io/opfs-store.js";

it("keeps files in the browser's private file system, apart from checkpoints", async () => {
  const url = "https://models.test/a/model.safetensors";
  const file = { bytes: Uint8Array.from({ length: 300_000 }, (_, i) => i), validator: '"one"' };
  const stores = await listOpfsStores();
  const cache = (await openModelCache())!;
  await cache.put(url, file);
  expect(await (await openModelCache())!.get(url)).toEqual(file);
  expect(await listOpfsStores()).toEqual(stores);
  await clearDownloads();
  expect(await cache.get(url)).toBeUndefined();
});
