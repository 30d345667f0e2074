// The layers against numbers recorded from other implementations. `npm run conformance` does the same for any folder.
import { describe, expect, test } from "vitest";
import { runCases } from "../conformance/conformance.js";
import { openCases, type ReadFile } from "../conformance/folder.js";
import { getDevice } from "../support/device.js";

/** Data URLs by path: both hosts can fetch them. */
const FILES = import.meta.glob<string>("../fixtures/*/**/*", { query: "?url&inline", import: "default" });

const filesIn =
  (folder: string): ReadFile =>
  async (path) => {
    const load = FILES[`../fixtures/${folder}/${path}`];
    return load && (await fetch(await load())).arrayBuffer();
  };

/** Kinds that run whole layers: the others attend without them. */
const OF_LAYERS = ["reversible_layer", "lm", "mlm", "classification", "qa", "checkpoint"];

describe("recorded cases of layers, of hf, one head at a time", async () => {
  const read = filesIn("hf");
  const { cases } = await openCases(read);
  test.each(cases.filter(({ kind }) => OF_LAYERS.includes(kind)).map(({ name, kind }) => [name, kind]))(
    "%s (%s)",
    async (name) => {
      const device = await getDevice();
      const results = [];
      for await (const result of runCases(device, read, { names: [name], headGroup: 1 }))
        results.push(result);
      expect(results, "one result").toHaveLength(1);
      expect(results[0]).toMatchObject({ name, passed: true });
    },
  );
});

describe.each(["hf", "paper-lsh"])("recorded cases of %s", async (folder) => {
  const read = filesIn(folder);
  const { cases } = await openCases(read);
  test.each(cases.map(({ name, kind }) => [name, kind]))("%s (%s)", async (name) => {
    const device = await getDevice();
    const results = [];
    for await (const result of runCases(device, read, { names: [name] })) results.push(result);
    expect(results, "one result").toHaveLength(1);
    expect(results[0]).toMatchObject({ name, passed: true });
  });
});
