/**
 * `npm run bench -- [NAME...] [--on node|chrome] [--json FILE] [--model DIR]`: benchmarks (all, or those named) in tables,
 * of the trained model in a folder where they would train one (Node only). Never part of the tests: they measure, they do
 * not judge.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { adapterName, requestDevice } from "../../src/gpu/gpu.js";
import type { ModelFiles } from "../../src/types.js";
import { openChromePage } from "../support/chrome-page.js";
import { BENCHMARKS, type Reporter, runBenchmark } from "./benchmarks.js";
import { type Table, tableLines } from "./report.js";

const HOSTS = ["node", "chrome"];
const WRONG_CALL = 2;

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      on: { type: "string", default: "node" },
      json: { type: "string" },
      model: { type: "string" },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
  const unknown = names.filter((name) => !Object.hasOwn(BENCHMARKS, name));
  if (unknown.length > 0 || !HOSTS.includes(values.on)) {
    const given = unknown.length > 0 ? unknown.join(", ") : `--on ${values.on}`;
    console.error(
      `${given}: benchmarks are ${Object.keys(BENCHMARKS).join(", ")}; --on is one of ${HOSTS.join(", ")}.`,
    );
    return WRONG_CALL;
  }
  if (values.model !== undefined && values.on !== "node") {
    console.error(
      `--model ${values.model} --on ${values.on}: a model's folder is read in Node; leave out --on.`,
    );
    return WRONG_CALL;
  }
  const model = values.model === undefined ? undefined : await filesOf(values.model);
  const host = values.on === "chrome" ? await inChrome() : await inNode(model);
  const date = new Date().toISOString().slice(0, 10);
  console.log(`${host.adapter}, ${values.on}, ${date}`);
  const results: Record<string, Table[]> = {};
  try {
    for (const name of names) {
      signal.throwIfAborted();
      const tables: Table[] = [];
      results[name] = tables;
      await host.run(name, {
        log: (line) => console.error(`${name}: ${line}`),
        table: (table) => {
          tables.push(table);
          for (const line of tableLines(table)) console.log(line);
        },
      });
    }
  } finally {
    await host.close();
    if (values.json) {
      const report = { adapter: host.adapter, on: values.on, date, results };
      await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  }
  return 0;
}

interface Host {
  readonly adapter: string;
  run(name: string, reporter: Reporter): Promise<void>;
  close(): Promise<void>;
}

async function filesOf(folder: string): Promise<ModelFiles> {
  const names = (await readdir(folder)).filter((name) => /\.(json|safetensors)$/.test(name));
  const files = names.map(
    async (name) => [name, new Uint8Array(await readFile(join(folder, name)))] as const,
  );
  return Object.fromEntries(await Promise.all(files));
}

async function inNode(model: ModelFiles | undefined): Promise<Host> {
  const device = await requestDevice();
  return {
    adapter: adapterName(device),
    run: (name, reporter) => runBenchmark(name, device, reporter, model),
    close: async () => device.destroy(),
  };
}

async function inChrome(): Promise<Host> {
  const { page, close } = await openChromePage("bench", "/test/bench/page.ts");
  let current: Reporter | undefined;
  await page.exposeFunction("takeTable", (table: Table) => current?.table(table));
  await page.exposeFunction("takeLine", (line: string) => current?.log(line));
  await page.waitForFunction(() => "runBenchmark" in window);
  return {
    adapter: await page.evaluate(() => window.benchAdapter()),
    run: async (name, reporter) => {
      current = reporter;
      await page.evaluate((wanted) => window.runBenchmark(wanted), name);
    },
    close,
  };
}
