// A model's downloaded files, kept for the next visit: asked for again only where they changed or are of no use.
import { afterAll, beforeAll, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { configToHuggingFace } from "../../src/config/hugging-face.js";
import { readModelFiles } from "../../src/engine/files.js";
import { ConfigError } from "../../src/errors.js";
import { sha256, textBytes } from "../../src/io/bytes.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { type ModelCache, modelCache } from "../../src/io/model-cache.js";
import { fetchModel } from "../../src/io/model-files.js";
import { forgetFiles, useFiles } from "../../src/io/model-location.js";
import { modelLocation } from "../../src/io/model-source.js";
import type { ModelFiles, ProgressEvent } from "../../src/types.js";
import { cutAt, type FileServer, serveFiles } from "./file-server.js";
import { one, SINGLE, serve, TORCH } from "./model-examples.js";

let server: FileServer;
beforeAll(async () => {
  server = await serveFiles();
});
afterAll(() => server[Symbol.asyncDispose]());

const load = (options: Parameters<typeof fetchModel>[1] = {}, cache?: ModelCache) =>
  fetchModel(modelLocation(server.url, {}), { openCache: async () => cache, ...options });

it("keeps what it downloaded and asks only whether it changed", async () => {
  const cache = modelCache(memoryDirectory());
  serve(server, SINGLE);
  await load({}, cache);
  server.requests.length = 0;
  expect(await load({}, cache)).toEqual(SINGLE);
  expect(server.requests).toEqual(["HEAD /config.json", "HEAD /tokenizer.json", "HEAD /model.safetensors"]);
  const newer = { ...SINGLE, "model.safetensors": one("a", 2) };
  serve(server, newer, { etag: '"two"' });
  expect(await load({}, cache)).toEqual(newer);
});

it("of a commit asks nothing again; without a connection takes what it kept", async () => {
  const cache = modelCache(memoryDirectory());
  const files = {
    "config.json": SINGLE["config.json"]!,
    "tokenizer.json": SINGLE["tokenizer.json"]!,
    "pytorch_model.bin": TORCH["part-1.bin"]!,
  };
  serve(server, files);
  await load({}, cache);
  const gone = async () => {
    throw new TypeError("fetch failed");
  };
  const started = performance.now();
  expect(await load({ fetch: gone }, cache)).toEqual(files);
  expect(performance.now() - started, "milliseconds").toBeLessThan(1000);
  const fixed = { ...modelLocation(server.url, {}), fixed: true } as never;
  server.requests.length = 0;
  await fetchModel(fixed, { openCache: async () => cache });
  expect(server.requests.filter((request) => !request.includes("safetensors"))).toEqual([]);
});

it("forgets what turned out to be of no use, and gets it again", async () => {
  const cache = modelCache(memoryDirectory());
  const openCache = async () => cache;
  serve(server, SINGLE);
  const fixed = { ...modelLocation(server.url, {}), fixed: true } as never;
  const files = await fetchModel(fixed, { openCache });
  await forgetFiles(fixed, Object.keys(files), { openCache });
  server.requests.length = 0;
  expect(await fetchModel(fixed, { openCache })).toEqual(SINGLE);
  expect(server.requests).toEqual(["GET /config.json", "GET /tokenizer.json", "GET /model.safetensors"]);
});

it("a cut download leaves nothing in the cache; the next one is whole", async () => {
  const cache = modelCache(memoryDirectory());
  serve(server, SINGLE, {});
  const stop = new AbortController();
  server.fault = (request, response, file) =>
    request.url === "/model.safetensors" && cutAt(20)(request, response, file);
  setTimeout(() => stop.abort(), 100);
  await expect(load({ signal: stop.signal }, cache)).rejects.toMatchObject({ name: "AbortError" });
  serve(server, SINGLE);
  expect(await load({}, cache)).toEqual(SINGLE);
});

it("without room for the files goes on, and says once that they are not kept", async () => {
  const directory = memoryDirectory();
  const full = modelCache({
    ...directory,
    write: async () => {
      throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
    },
  });
  serve(server, SINGLE);
  const notices: string[] = [];
  const onProgress = ({ notice }: ProgressEvent) => notice && notices.push(notice);
  expect(await load({ onProgress }, full)).toEqual(SINGLE);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toContain("quota");
});

it("the caller's SHA-256 of any file is checked, of kept files too", async () => {
  serve(server, SINGLE);
  const cache = modelCache(memoryDirectory());
  const get = (integrity: Record<string, string>) =>
    fetchModel(modelLocation(server.url, { integrity }), { openCache: async () => cache });
  const right = { "config.json": await sha256(SINGLE["config.json"]!) };
  expect(await get(right)).toEqual(SINGLE);
  expect(await get(right)).toEqual(SINGLE);
  await expect(get({ "config.json": "0".repeat(64) })).rejects.toMatchObject({
    details: { reason: "sha256", url: `${server.url}config.json` },
  });
  expect(() => modelLocation(server.url, { integrity: { "config.json": "sha256" } })).toThrow(ConfigError);
});

it.each([
  ["what was missing", { "tokenizer.json": undefined as never }, "tokenizer.json", []],
  [
    "a damaged file",
    { "model.safetensors": new Uint8Array(9) },
    "model.safetensors",
    ["config.json", "tokenizer.json", "model.safetensors"],
  ],
])("where %s is to blame, only files of no use are downloaded again", async (_what, changed, file, again) => {
  const cache = modelCache(memoryDirectory());
  const openCache = async () => cache;
  const settings = configToHuggingFace(resolveConfig({ vocabSize: 320 }));
  const whole: ModelFiles = { ...SINGLE, "config.json": textBytes(JSON.stringify(settings)) };
  const served = Object.entries({ ...whole, ...changed }).filter(([, bytes]) => bytes !== undefined);
  serve(server, Object.fromEntries(served));
  const fixed = { ...modelLocation(server.url, {}), fixed: true } as never;
  const files = await fetchModel(fixed, { openCache });
  const use = () => useFiles(fixed, files, () => readModelFiles(files), { openCache });
  await expect(use()).rejects.toMatchObject({ name: "CheckpointError", details: { file } });
  server.requests.length = 0;
  await fetchModel(fixed, { openCache });
  const gets = server.requests.filter((request) => served.some(([name]) => request === `GET /${name}`));
  expect(gets).toEqual(again.map((name) => `GET /${name}`));
});

it("a kept file of another SHA-256 than the caller's is downloaded again", async () => {
  const cache = modelCache(memoryDirectory());
  const get = async (integrity: Record<string, string>) => {
    const place = { ...modelLocation(server.url, { integrity }), fixed: true } as never;
    return fetchModel(place, { openCache: async () => cache });
  };
  serve(server, SINGLE);
  await get({});
  const newer = { ...SINGLE, "model.safetensors": one("a", 2) };
  serve(server, newer, { etag: '"two"' });
  const wanted = { "model.safetensors": await sha256(newer["model.safetensors"]!) };
  expect(await get(wanted)).toEqual(newer);
  expect(server.requests).toEqual(["GET /model.safetensors"]);
  expect(await get(wanted)).toEqual(newer);
  expect(server.requests).toEqual(["GET /model.safetensors"]); // the new one was kept
  // A wrong SHA-256 is asked for once more, refused, and costs nothing of what was kept.
  await expect(get({ "model.safetensors": "0".repeat(64) })).rejects.toMatchObject({
    details: { reason: "sha256" },
  });
  expect(server.requests).toEqual(["GET /model.safetensors", "GET /model.safetensors"]);
  expect(await get(wanted)).toEqual(newer);
  expect(server.requests).toHaveLength(2);
});

it.each([
  ["the hub's listing", (url: string) => url.includes("/api/models/")],
  ["a question whether a file changed", (_url: string, method: string) => method === "HEAD"],
])("%s that is never answered does not keep a model waiting", async (_what, silent) => {
  const cache = modelCache(memoryDirectory());
  const hub: typeof fetch = (url, { method = "GET", signal } = {}) => {
    if (silent(String(url), method)) {
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    }
    const bytes = SINGLE[String(url).split("/").at(-1) ?? ""];
    return Promise.resolve(
      new Response(bytes ?? null, { status: bytes ? 200 : 404, headers: { etag: "1" } }),
    );
  };
  const options = { fetch: hub, openCache: async () => cache, stall: 50 };
  expect(await fetchModel(modelLocation("a/b", {}), options)).toEqual(SINGLE);
  expect(await fetchModel(modelLocation("a/b", {}), options)).toEqual(SINGLE);
});
