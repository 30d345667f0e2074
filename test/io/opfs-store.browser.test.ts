import { describe, expect, it } from "vitest";
import { CheckpointError, LockedError } from "../../src/errors.js";
import { listOpfsStores, openOpfsStore, opfsDirectory, removeOpfsStore } from "../../src/io/opfs-store.js";
import { checkpoint, storeSuite } from "./store-suite.js";

let made = 0;
const newName = () => `test-${performance.now().toString(36).replace(".", "-")}-${made++}`;

storeSuite("the browser's private files", async () => {
  const name = newName();
  return { directory: await opfsDirectory(name), sameAgain: () => opfsDirectory(name) };
});

describe("openOpfsStore", () => {
  it("listOpfsStores names a store until removeOpfsStore, which waits for no writer", async () => {
    const name = newName();
    const store = await openOpfsStore(name);
    await store.save(checkpoint(1));
    expect(await listOpfsStores()).toContain(name);
    await expect(removeOpfsStore(name)).rejects.toThrow(LockedError);
    await store.close();
    await removeOpfsStore(name);
    expect(await listOpfsStores()).not.toContain(name);
    await removeOpfsStore(name);
  });

  it("a writer in a worker that dies frees the store", async () => {
    const name = newName();
    const source = `navigator.locks.request("webgpu-reformer/${name}", () => { postMessage("held"); return new Promise(() => {}); });`;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    await new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
    const store = await openOpfsStore(name);
    await expect(store.lock()).rejects.toThrow(LockedError);
    worker.terminate();
    await expect
      .poll(() =>
        store.lock().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await store.close();
  });

  it.each(["", "../x", "a/b"])("refuses the name %j", async (name) => {
    await expect(openOpfsStore(name)).rejects.toThrow(CheckpointError);
  });
});
