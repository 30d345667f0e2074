// The published models by their names, from a hub on this machine, through the whole way that loading takes.
import { expect, test } from "vitest";
import { configFromHuggingFace } from "../../src/config/hugging-face.js";
import { Reformer } from "../../src/index.js";
import { parameterCount } from "../../src/model/parameters.js";
import type { ProgressEvent } from "../../src/types.js";
import { cutAt, first } from "../io/file-server.js";
import { PUBLISHED, type PublishedName, serveHub } from "../support/published.js";

test.each(Object.entries(PUBLISHED))("%s has the parameters it was published with", (_name, published) => {
  expect(parameterCount(configFromHuggingFace(published.settings))).toBe(published.parameters);
});

test("the smaller one loads from the hub, across a cut, and runs", async () => {
  const name: PublishedName = "google/reformer-crime-and-punishment";
  const { server, fetch } = await serveHub(name);
  await using _ = server;
  const cut = first(1, cutAt(1_000_000));
  const redirect = server.fault;
  server.fault = (request, ...rest) =>
    (request.url === "/stored/model.safetensors" && cut(request, ...rest)) || redirect!(request, ...rest);
  const events: ProgressEvent[] = [];
  const onProgress = (event: ProgressEvent) => events.push(event);
  await using model = await Reformer.load(name, { worker: "none", fetch, onProgress });
  expect((await model.describe()).parameters).toBe(PUBLISHED[name].parameters);
  expect(server.requests.at(-1), "goes on where it was cut").toMatch(/model\.safetensors bytes=1000000-$/);
  const upload = events.filter(({ phase }) => phase === "upload").at(-1);
  expect(upload).toMatchObject({
    loaded: 4 * PUBLISHED[name].parameters,
    total: 4 * PUBLISHED[name].parameters,
  });
  const { bits, tokens } = await model.score("he was the street and ".repeat(8));
  // Weights drawn at random say little: every token costs about the logarithm of the vocabulary.
  expect(tokens.length).toBeGreaterThan(30);
  expect(Math.abs(bits / tokens.length - Math.log2(320))).toBeLessThan(1);
});
