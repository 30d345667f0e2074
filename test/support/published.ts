// The published models: their settings, and a hub that serves them with weights drawn at random.
import { createHash } from "node:crypto";
import { configFromHuggingFace } from "../../src/config/hugging-face.js";
import { textBytes } from "../../src/io/bytes.js";
import { makeTensor, type Tensor, writeSafetensors } from "../../src/io/safetensors.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { type FileServer, serveFiles } from "../io/file-server.js";
import { unigramJson } from "../text/unigram-json.js";
import { CRIME_AND_PUNISHMENT, ENWIK8 } from "./published-settings.js";

export const PUBLISHED = {
  "google/reformer-crime-and-punishment": { settings: CRIME_AND_PUNISHMENT, parameters: 2_748_224 },
  "google/reformer-enwik8": { settings: ENWIK8, parameters: 149_182_722 },
} as const;
export type PublishedName = keyof typeof PUBLISHED;

/**
 * Serves a model's files as the hub does: a listing with the SHA-256 of large ones, files of a commit behind a redirect of
 * their own, an ETag, ranges. Weights are drawn from the model's own distribution, in half precision.
 */
export async function serveHub(
  name: PublishedName,
): Promise<{ readonly server: FileServer; readonly fetch: typeof fetch }> {
  const { settings } = PUBLISHED[name];
  const config = configFromHuggingFace(settings);
  const weights = new Map<string, Tensor>();
  for (const [i, one] of parameters(config).entries()) {
    weights.set(one.name, makeTensor(one.shape, initialValues(one, i, 1), "F16"));
  }
  const json = (value: unknown) => textBytes(JSON.stringify(value));
  const files: [string, Uint8Array][] = [
    ["config.json", json(settings)],
    ["model.safetensors", writeSafetensors(weights, new Map([["format", "pt"]]))],
  ];
  // The byte-level model has no tokenizer file.
  if (name !== "google/reformer-enwik8") files.push(["tokenizer.json", json(unigramJson())]);
  const server = await serveFiles(
    files.map(([file, bytes]) => [`stored/${file}`, { bytes, headers: { etag: `"${file}-1"` } }]),
  );
  const weightsFile = files[1]?.[1] as Uint8Array;
  const oid = createHash("sha256").update(weightsFile).digest("hex");
  server.fault = (request, response) => {
    if (request.url === `/api/models/${name}/tree/main`) {
      const list = [...server.files].map(([path, { bytes }]) => ({
        ...{ type: "file", path: path.replace("stored/", ""), size: bytes.length },
        ...(path.endsWith(".safetensors") ? { lfs: { oid, size: bytes.length } } : {}),
      }));
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(list));
      return true;
    }
    const asked = new RegExp(`^/${name}/resolve/main/([^?]+)`).exec(request.url ?? "");
    if (!asked) return false;
    const known = server.files.has(`stored/${asked[1]}`);
    const linked = asked[1]?.endsWith(".safetensors") ? { "x-linked-etag": `"${oid}"` } : {};
    if (known) response.writeHead(302, { location: `/stored/${asked[1]}`, ...linked }).end();
    else response.writeHead(404).end("Entry not found");
    return true;
  };
  const hub: typeof fetch = (url, options) =>
    fetch(String(url).replace("https://huggingface.co/", server.url), options);
  return { server, fetch: hub };
}
