import { expect, test } from "vitest";
import { filesUnder } from "./sources.js";

/** Basenames of a listing: the file's name without folder and, from the first dot on, without endings. */
const names = (files: readonly string[]) =>
  new Set(files.map((path) => path.replace(/^.*\//, "").replace(/\..*$/, "")));

const shaders = filesUnder("shaders", /\.wgsl$/).filter((path) => !path.startsWith("shaders/shared/"));
const LISTINGS: readonly [place: string, files: readonly string[]][] = [
  ["shaders/X.wgsl", shaders],
  ["src/kernels/X.ts", filesUnder("src/kernels", /\.ts$/)],
  ["test/oracle/X.ts", filesUnder("test/oracle", /\.ts$/)],
  ["test/kernels/X.test.ts", filesUnder("test/kernels", /\.test\.ts$/)],
];

test("every kernel has its shader, table, oracle and test, all of one name", () => {
  const all = [...new Set(LISTINGS.flatMap(([, files]) => [...names(files)]))].sort();
  const missing = all.flatMap((name) =>
    LISTINGS.filter(([, files]) => !names(files).has(name)).map(([place]) => place.replace("X", name)),
  );
  expect(missing).toEqual([]);
});

test("shaders, tables, oracles and tests of kernels stand flat in their folders", () => {
  const nested = LISTINGS.flatMap(([place, files]) => {
    const depth = place.split("/").length;
    return files.filter((path) => path.split("/").length !== depth);
  });
  expect(nested).toEqual([]);
});

test("every shader's plain form has no variant in its name, and every variant has a plain form beside it", () => {
  const variants = shaders.filter((path) => /\..+\.wgsl$/.test(path));
  expect(variants.filter((path) => !shaders.includes(path.replace(/\..*$/, ".wgsl")))).toEqual([]);
});
