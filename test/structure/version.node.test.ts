import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { VERSION } from "../../src/engine/version.js";

test("the library knows its version", () => {
  expect(JSON.parse(readFileSync("package.json", "utf8")).version).toBe(VERSION);
});
