// A folder of the browser, as saving a model uses it.
import { expect, it } from "vitest";
import { textBytes } from "../../src/io/bytes.js";
import { fetchModel } from "../../src/io/model-files.js";
import { chosenFolder, saveIntoFolder } from "../../src/io/model-folder.js";
import { modelLocation } from "../../src/io/model-source.js";
import { SINGLE } from "./model-examples.js";

it("takes the place of the model that is there, and leaves no half of a file", async () => {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getDirectoryHandle("saved", { create: true });
  const folder = chosenFolder(handle);
  const read = () => fetchModel(modelLocation(handle, {}), {});
  const part = "model-00001-of-00001.safetensors";
  const parts = {
    ...SINGLE,
    [part]: SINGLE["model.safetensors"]!,
    "model.safetensors.index.json": textBytes(`{"weight_map":{"a":"${part}"}}`),
  } as Record<string, Uint8Array<ArrayBuffer>>;
  delete parts["model.safetensors"];
  try {
    await saveIntoFolder(parts, folder);
    expect(await read()).toEqual(parts);
    const staged = await folder.stage("model.safetensors", Uint8Array.of(1));
    expect(await read()).toEqual(parts); // the file is there, still empty
    await staged.discard();
    expect([...(await folder.list())].sort()).toEqual(Object.keys(parts).sort());
    await saveIntoFolder(SINGLE, folder);
    expect(await read()).toEqual(SINGLE);
    expect([...(await folder.list())].sort()).toEqual(Object.keys(SINGLE).sort());
    await folder.remove("nothing");
    const other = { ...SINGLE, "config.json": textBytes('{"model_type":"reformer","num_hashes":3}') };
    const full = {
      ...folder,
      async stage(name: string, content: Uint8Array<ArrayBuffer>) {
        const staged = await folder.stage(name, content);
        return name === "config.json"
          ? { ...staged, publish: () => Promise.reject(new Error("cut")) }
          : staged;
      },
    };
    await expect(saveIntoFolder(other, full)).rejects.toThrow("cut");
    await expect(read()).rejects.toThrow("There is no config.json");
    await saveIntoFolder(other, folder);
    expect(await read()).toEqual(other);
  } finally {
    await root.removeEntry("saved", { recursive: true });
  }
});
