// A model's files from every kind of place, with faults in between. Those that are kept: kept-files.node.test.ts.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointError, DownloadError } from "../../src/errors.js";
import { sha256, textBytes } from "../../src/io/bytes.js";
import { collectModelFiles, fetchModel, readWeights } from "../../src/io/model-files.js";
import { modelLocation } from "../../src/io/model-source.js";
import { tensorFloats } from "../../src/io/safetensors.js";
import type { ModelFiles, ProgressEvent } from "../../src/types.js";
import { cutAt, type FileServer, first, serveFiles } from "./file-server.js";
import { one, SHARDED, SINGLE, serve, TORCH } from "./model-examples.js";

async function weights(files: ModelFiles): Promise<[string, number[]][]> {
  const { tensors } = await readWeights(files);
  return [...tensors].map(([name, tensor]) => [name, [...tensorFloats(tensor)]]);
}

describe("readWeights", () => {
  it.each<[string, ModelFiles, number]>([
    ["one safetensors file", SINGLE, 1],
    ["several, with an index", SHARDED, 2],
    ["several of PyTorch, with an index", TORCH, 2],
    ["one of PyTorch", { "pytorch_model.bin": TORCH["part-1.bin"]! }, 1],
    ["safetensors before PyTorch's", { ...TORCH, ...SINGLE }, 1],
  ])("reads %s", async (_why, files, count) => {
    const expected = [
      ["a", [1]],
      ["b", [2]],
    ].slice(0, count);
    expect(await weights(files)).toEqual(expected);
  });

  it.each<[string, ModelFiles, string]>([
    ["nothing", {}, "model.safetensors"],
    ["a missing part", { ...SHARDED, "part-2.safetensors": undefined as never }, "part-2.safetensors"],
    ["one name in two parts", { ...SHARDED, "part-2.safetensors": one("a", 2) }, "part-2.safetensors"],
    ["a damaged part", { ...SHARDED, "part-2.safetensors": new Uint8Array(9) }, "part-2.safetensors"],
    ["an index that is no JSON", index("{"), "model.safetensors.index.json"],
    ["an index without its map", index("{}"), "model.safetensors.index.json"],
    ["an index of nothing", index('{"weight_map":{}}'), "model.safetensors.index.json"],
    ["an index of a path", index('{"weight_map":{"a":"../x.safetensors"}}'), "model.safetensors.index.json"],
    [
      "an index of an address",
      index('{"weight_map":{"a":"https://x/y.safetensors"}}'),
      "model.safetensors.index.json",
    ],
    ["an index of another kind", index('{"weight_map":{"a":"x.bin"}}'), "model.safetensors.index.json"],
    ["an index of numbers", index('{"weight_map":{"a":3}}'), "model.safetensors.index.json"],
  ])("names the file where it gets %s", async (_why, files, file) => {
    const error = await readWeights(files).catch((reason) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.details.file).toBe(file);
  });
});

function index(text: string): ModelFiles {
  return { ...SHARDED, "model.safetensors.index.json": textBytes(text) };
}

describe("modelLocation", () => {
  it.each<[string | URL, string | undefined, string]>([
    ["google/reformer-enwik8", undefined, "https://huggingface.co/google/reformer-enwik8/resolve/main/"],
    ["a/b", "refs/pr/3", "https://huggingface.co/a/b/resolve/refs%2Fpr%2F3/"],
    ["https://x.test/models/m?key=1", undefined, "https://x.test/models/m/?key=1"],
    ["./m", undefined, "https://page.test/app/m/"],
    ["../m/", undefined, "https://page.test/m/"],
    ["/m", undefined, "https://page.test/m/"],
    [new URL("https://x.test/m"), undefined, "https://x.test/m/"],
  ])("%s of revision %s is %s", (source, revision, url) => {
    const base = "https://page.test/app/index.html";
    const { listing, ...place } = modelLocation(source, { revision, base }) as { listing?: string };
    expect(place).toEqual({ url, fixed: false, cache: true });
    const hub = url.startsWith("https://huggingface.co/");
    expect(listing).toBe(
      hub ? url.replace(/co\/(.*)\/resolve\/(.*)\//, "co/api/models/$1/tree/$2") : undefined,
    );
  });

  it("a commit never changes", () => {
    const revision = "0123456789abcdef0123456789abcdef01234567";
    expect(modelLocation("a/b", { revision, cache: false })).toMatchObject({ fixed: true, cache: false });
  });

  it.each([
    "",
    "model",
    "a/b/c",
    "a/../b",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:,x",
    "a b/c",
    "-a/b",
  ])("%j is no source of a model", (source) =>
    expect(() => modelLocation(source, {})).toThrow(CheckpointError),
  );

  it.each<[string, unknown]>([
    ["null", null],
    ["a number", 3],
    ["an empty list", []],
    ["a list of numbers", [1]],
    ["an object of texts", { "config.json": "{}" }],
  ])("neither is %s", (_why, source) => {
    expect(() => modelLocation(source as never, {})).toThrow(CheckpointError);
  });
});

describe("fetchModel", () => {
  let server: FileServer;
  beforeAll(async () => {
    server = await serveFiles();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const load = (options: Parameters<typeof fetchModel>[1] = {}) =>
    fetchModel(modelLocation(server.url, {}), { openCache: async () => undefined, ...options });

  it.each([
    ["one file", SINGLE],
    ["parts", SHARDED],
    ["PyTorch's parts", TORCH],
  ])("downloads %s, each once, and reports bytes that never go back", async (_why, files) => {
    serve(server, files);
    const seen: ProgressEvent[] = [];
    expect(await load({ onProgress: (event) => seen.push(event) })).toEqual(files);
    expect(new Set(server.requests).size).toBe(server.requests.length);
    const total = Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0);
    expect(seen.at(-1)).toMatchObject({ phase: "download", loaded: total, total });
    const loaded = seen.map((event) => event.loaded);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  });

  it("a chosen file that has changed since is named", async () => {
    const gone = new File([], "config.json");
    gone.arrayBuffer = async () => {
      throw new DOMException("The file could not be read.", "NotReadableError");
    };
    await expect(fetchModel(modelLocation([gone], {}), {})).rejects.toMatchObject({
      name: "CheckpointError",
      details: { file: "config.json" },
    });
  });

  it("a site that answers every path with a page has only what is really there", async () => {
    serve(server, SHARDED);
    server.fault = (_request, response, file) =>
      !file && Boolean(response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"));
    expect(await load()).toEqual(SHARDED);
    serve(server, {});
    server.fault = (_request, response) =>
      Boolean(response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"));
    const error = await load().catch((reason) => reason);
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.details).toMatchObject({ reason: "web-page", url: `${server.url}config.json` });
  });

  it("names what the place lacks", async () => {
    serve(server, {});
    await expect(load()).rejects.toMatchObject({ name: "CheckpointError", details: { file: "config.json" } });
    serve(server, { "config.json": SINGLE["config.json"]! });
    await expect(load()).rejects.toMatchObject({ details: { file: "model.safetensors" } });
    serve(server, { ...SHARDED, "part-2.safetensors": undefined as never });
    server.files.delete("part-2.safetensors");
    await expect(load()).rejects.toMatchObject({ details: { file: "part-2.safetensors" } });
  });

  it("through the caller's fetch: the hub's addresses, query included", async () => {
    serve(server, SINGLE);
    const asked: string[] = [];
    const hub: typeof fetch = async (url, options) => {
      asked.push(String(url));
      return fetch(server.url + String(url).split("/").at(-1), options);
    };
    const location = modelLocation("google/reformer-enwik8", {});
    expect(await fetchModel(location, { fetch: hub, openCache: async () => undefined })).toEqual(SINGLE);
    expect(asked[0]).toBe("https://huggingface.co/google/reformer-enwik8/resolve/main/config.json");
  });

  it("the hub's SHA-256 of large files is checked, where it lists them", async () => {
    serve(server, SINGLE);
    const weights = SINGLE["model.safetensors"]!;
    let listing: unknown = [{ path: "model.safetensors", lfs: { oid: await sha256(weights) } }];
    const hub: typeof fetch = async (url, options) =>
      String(url) === "https://huggingface.co/api/models/a/b/tree/main"
        ? new Response(JSON.stringify(listing))
        : fetch(server.url + String(url).split("/").at(-1), options);
    const openCache = async () => undefined;
    const get = () => fetchModel(modelLocation("a/b", {}), { fetch: hub, openCache });
    expect(await get()).toEqual(SINGLE);
    listing = [{ path: "model.safetensors", lfs: { oid: "0".repeat(64) } }];
    await expect(get()).rejects.toMatchObject({ name: "DownloadError", details: { reason: "sha256" } });
    for (listing of [null, {}, "none", [null], [{ path: 3, lfs: 4 }]]) expect(await get()).toEqual(SINGLE);
  });

  it("from files that a person chose, and from a folder", async () => {
    const chosen = Object.entries(SHARDED).map(([name, bytes]) => new File([bytes], name));
    expect(await fetchModel(modelLocation(chosen, {}), {})).toEqual(SHARDED);
    const folder = {
      async getFileHandle(name: string) {
        const file = chosen.find((one) => one.name === name);
        if (!file) throw new DOMException("no", "NotFoundError");
        return { getFile: async () => file };
      },
    } as unknown as FileSystemDirectoryHandle;
    expect(await fetchModel(modelLocation(folder, {}), {})).toEqual(SHARDED);
    const locked = {
      getFileHandle: async () => {
        throw new DOMException("no", "NotAllowedError");
      },
    } as unknown as FileSystemDirectoryHandle;
    await expect(fetchModel(modelLocation(locked, {}), {})).rejects.toThrow(CheckpointError);
  });

  it("goes on after a cut in the middle of the weights", async () => {
    serve(server, SINGLE);
    const cut = first(1, cutAt(30));
    server.fault = (request, ...rest) => request.url === "/model.safetensors" && cut(request, ...rest);
    expect(await load()).toEqual(SINGLE);
    expect(server.requests.at(-1)).toBe("GET /model.safetensors bytes=30-");
  });
});

it("collectModelFiles takes only what a model needs", async () => {
  const asked: string[] = [];
  await collectModelFiles(async (name) => {
    asked.push(name);
    return SINGLE[name];
  });
  expect(asked).toEqual(["config.json", "tokenizer.json", "model.safetensors"]);
});
