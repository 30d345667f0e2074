import { beforeAll, describe, expect, test } from "vitest";
import { STATIONS } from "../../demo/stations/registry.js";
import {
  BUDGETS,
  type Bundle,
  buildLibrary,
  closure,
  gzipBytes,
  STATION_BUDGET,
  textOf,
} from "../support/library-bundle.js";

let bundle: Bundle;

beforeAll(async () => {
  bundle = await buildLibrary();
});

describe("the library's files", () => {
  test.each(BUDGETS)("%s: within its budget", (name, files, budget) => {
    const bytes = gzipBytes(bundle, files);
    console.log(`${(bytes / 1024).toFixed(1).padStart(6)} KiB gzip of ${budget}: ${name}`);
    expect(bytes / 1024).toBeLessThanOrEqual(budget);
  });

  test("a page loads none of the engine before it makes a model", () => {
    expect([...closure(bundle, ["index.js"])].filter((name) => /engine|run|recordings/.test(name))).toEqual(
      [],
    );
  });

  test("a worker imports nothing later: by default Vite makes it one script, and Vite 7 refuses what splits", () => {
    const late = [...closure(bundle, ["worker.js"])].filter((name) => {
      const file = bundle.get(name);
      return file?.type === "chunk" && file.dynamicImports.length > 0;
    });
    expect(late).toEqual([]);
  });

  test.each(["worker.js", "pickleparser.js", "tokenizers.js"])(
    "%s is named as bundlers look for it, once",
    (name) => {
      const literal = `new URL("./${name}",import.meta.url)`;
      const times = [...bundle.keys()].map((file) =>
        name === file || /^course-/.test(file) ? 0 : textOf(bundle, file).split(literal).length - 1,
      );
      expect(times.reduce((sum, n) => sum + n)).toBe(1);
    },
  );

  test.each(["inline.js", "pickleparser.js", "tokenizers.js"])("%s imports no other file", (name) => {
    const own = textOf(bundle, name).match(/\b(?:import|from)\s*\(?\s*["'`]\.{0,2}\/[^"'`]*/g) ?? [];
    expect(own).toEqual([]);
  });

  test.each(["course-lab.js", "course-planner.js"])(
    "%s imports no other file by name, and is named once as bundlers look for it",
    (name) => {
      const own = textOf(bundle, name).match(/\b(?:import|from)\s*\(?\s*["'`]\.{0,2}\/[^"'`]*/g) ?? [];
      expect(own).toEqual([]);
      const literal = `new Worker(new URL("./${name}",import.meta.url)`;
      const times = [...bundle.keys()].map((file) => textOf(bundle, file).split(literal).length - 1);
      expect(times.reduce((sum, n) => sum + n)).toBe(1);
    },
  );

  test.each(STATIONS.map(({ tag }) => tag))(
    "<%s>: its tag is declared, its script within the budget",
    (tag) => {
      expect(textOf(bundle, "elements.d.ts")).toContain(`"${tag}": StationElement;`);
      const name = tag.replace("reformer-station-", "");
      const [file = ""] = [...bundle.keys()].filter((path) =>
        new RegExp(`^elements-\\d\\d-${name}-[\\w-]{8}\\.js$`).test(path),
      );
      const kibibytes = gzipBytes(bundle, ["elements.js", file]) / 1024;
      console.log(`${kibibytes.toFixed(1).padStart(6)} KiB gzip of ${STATION_BUDGET}: ${tag}`);
      expect(textOf(bundle, file)).toContain(`customElements.define(\`${tag}\``);
      expect(kibibytes).toBeLessThanOrEqual(STATION_BUDGET);
    },
  );

  test("no comment of a shader is left", () => {
    const commented = [...bundle.keys()].filter((file) =>
      /@group\(\d\)[^\n]*\/\/ /.test(textOf(bundle, file)),
    );
    expect(commented).toEqual([]);
  });
});
