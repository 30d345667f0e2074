// Reformer.load() from a web server, on this thread.
import { expect, test } from "vitest";
import { Reformer } from "../../src/index.js";
import type { ProgressEvent } from "../../src/types.js";
import { serveFiles } from "../io/file-server.js";
import { countGpuBytes } from "./gpu-bytes.js";
import { SMALL } from "./small-model.js";

test("load(address) gives the saved model, with progress in bytes and everything fetched once", async () => {
  await using model = await Reformer.create(SMALL, { worker: "none", seed: 3 });
  const files = await model.files();
  await using server = await serveFiles(Object.entries(files).map(([name, bytes]) => [name, { bytes }]));
  const seen: ProgressEvent[] = [];
  const onProgress = (event: ProgressEvent) => seen.push(event);
  await using loaded = await Reformer.load(server.url, { worker: "none", seed: 9, onProgress });
  expect(await loaded.files()).toEqual(files);
  expect(server.requests).toEqual(["GET /config.json", "GET /tokenizer.json", "GET /model.safetensors"]);
  for (const phase of ["download", "upload"] as const) {
    const last = seen.filter((event) => event.phase === phase).at(-1)!;
    expect(last.loaded, phase).toBe(last.total);
  }
  await expect(Reformer.load("./nowhere", { worker: "none" })).rejects.toMatchObject({
    name: "CheckpointError",
  });
  const own: typeof fetch = (url, options) =>
    fetch(String(url).replace("https://models.test/", server.url), options);
  await using through = await Reformer.load("https://models.test/", { worker: "none", fetch: own });
  expect(await through.files()).toEqual(files);
});

test("load(files) refuses settings that ask for more than the weights have, before it takes any GPU memory", async () => {
  await using model = await Reformer.create(SMALL, { worker: "none", seed: 3 });
  const files = await model.files();
  const settings = JSON.parse(new TextDecoder().decode(files["config.json"]));
  const larger = { ...settings, vocab_size: 1_000_000 };
  const bytes = new TextEncoder().encode(JSON.stringify(larger));
  using counted = countGpuBytes();
  await expect(Reformer.load({ ...files, "config.json": bytes }, { worker: "none" })).rejects.toMatchObject({
    name: "CheckpointError",
    message: expect.stringMatching(
      /model\.safetensors: reformer\.embeddings\.word_embeddings\.weight has shape/,
    ),
    details: { file: "model.safetensors", tensor: "reformer.embeddings.word_embeddings.weight" },
  });
  expect(counted.peak().total).toBe(0);
});
