// What one of the browsers' compilers does not know must not be in a shader, however well the others take it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { plainWgsl } from "../../src/cli/plain-shaders.js";
import { filesUnder } from "./sources.js";

test.each(filesUnder("shaders", /\.wgsl$/))("%s keeps to what Tint and Naga know", (path) => {
  const source = plainWgsl(readFileSync(path, "utf8"));
  // Naga casts bits between types of one size only: halves by pack2x16float() and unpack2x16float() instead.
  expect(source).not.toMatch(/bitcast<(vec\d<f16>|vec\dh|f16)>/);
  expect(source.match(/\b(enable|requires|diagnostic)\b[^;]*;/g) ?? []).toEqual(
    path.endsWith("-f16.wgsl") ? ["enable f16;"] : [],
  );
});
