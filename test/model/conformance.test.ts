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
