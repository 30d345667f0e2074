/**
 * `npm run bench:peers -- [matmul|attention|training...] [--lengths N,N] [--json FILE]`: this library beside TF.js, jax-js
 * and ONNX Runtime Web in headless Chrome. Every contestant has a page of its own, is checked against a plain reference
 * before it is timed, and is timed in turns with the others. Installs them into this folder on its first run (220 MB).
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Browser, Page } from "playwright";
import type { Plugin } from "vite";
import { openChromePage } from "../../support/chrome-page.js";
import { median, type Row, range, type Table, tableLines } from "../report.js";
import type { Work } from "./work.js";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const WRONG_CALL = 2;
const MEGABYTE = 1e6;

/** Sums of 8,192 f32 terms above and below a softmax's fraction are off by 2 · 8,192 · 2^-24 of their size at most. */
const ERROR_BOUND = 1e-3;
/** Milliseconds of a sample at least: a browser's clock is good to 0.1. */
const SAMPLE = 20;
/** Milliseconds that the samples of one work take together, about. */
const BUDGET = 60_000;
const MOST_SAMPLES = 7;

interface Entrant {
  readonly name: string;
  /** Longest sequence that it is given: beyond, its n² would take minutes a run on an adapter that is a CPU. */
  readonly upTo?: number;
}

interface Contest {
  readonly title: string;
  readonly works: readonly Work[];
  /** The first is what the others are divided by. */
  readonly entrants: readonly Entrant[];
  readonly notes: readonly string[];
}

const HEADS = { heads: 4, headSize: 32 } as const;
const MODEL = { layers: 6, hiddenSize: 64, heads: 4, feedForwardSize: 256, vocabSize: 256 } as const;

const CONTESTS: Readonly<Record<string, Contest>> = {
  matmul: {
    title: "Matrix products, f32",
    works: [
      { kind: "matmul", m: 1024, k: 256, n: 256 },
      { kind: "matmul", m: 512, k: 512, n: 512 },
    ],
    entrants: [{ name: "ours" }, { name: "jax-js" }, { name: "TF.js" }, { name: "ONNX Runtime" }],
    notes: [],
  },
  attention: {
    title: "Causal attention, forward, one sequence, 4 heads of 32, f32",
    works: [1024, 2048, 4096, 8192].map((length) => ({ kind: "attention", ...HEADS, length }) as const),
    entrants: [
      { name: "ours, LSH" },
      { name: "ours, full" },
      { name: "ONNX Runtime" },
      { name: "jax-js", upTo: 4096 },
      { name: "TF.js", upTo: 2048 },
    ],
    notes: [
      "LSH: hash, sort and attend, 4 rounds, chunks of 64, one chunk before: up to 512 keys a query. The others: all keys.",
      "ONNX Runtime: its flash kernel (GroupQueryAttention, without subgroups). jax-js and TF.js store all scores.",
    ],
  },
  training: {
    title: `Training step, ${MODEL.layers} layers, width ${MODEL.hiddenSize}, ${MODEL.heads} heads, feed-forward ${MODEL.feedForwardSize}, vocabulary ${MODEL.vocabSize}, one sequence`,
    works: [512, 1024, 2048, 4096].map((length) => ({ kind: "training", ...MODEL, length }) as const),
    entrants: [{ name: "ours" }, { name: "jax-js", upTo: 2048 }, { name: "jax-js, recomputing" }],
    notes: [
      "Ours: local and LSH layers in turn (chunks of 64, 2 rounds), reversible. jax-js: full attention, the whole step under one jit.",
      "At 4096 tokens jax-js ended SwiftShader's process (2026-11-29), and with it what the others had there: it is left out.",
      "Recomputing: written by hand, only the blocks' inputs are kept, every stage is awaited.",
      "ONNX Runtime Web does not train; TF.js takes 5 to 7 times the time of jax-js and as many bytes.",
    ],
  },
};

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { lengths: { type: "string" }, json: { type: "string" } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(CONTESTS);
  const unknown = names.filter((name) => !Object.hasOwn(CONTESTS, name));
  if (unknown.length > 0) {
    console.error(`${unknown.join(", ")}: contests are ${Object.keys(CONTESTS).join(", ")}.`);
    return WRONG_CALL;
  }
  const lengths = values.lengths?.split(",").map(Number);
  await install(signal);
  const { page, close } = await openChromePage("peers", "/contestant.ts", [fromThisFolder()]);
  const date = new Date().toISOString().slice(0, 10);
  const results: Record<string, Table> = {};
  let adapter = "";
  try {
    for (const name of names) {
      const { title, works, entrants, notes } = CONTESTS[name] as Contest;
      const rows: Row[] = [];
      for (const work of works) {
        if (lengths && work.kind !== "matmul" && !lengths.includes(work.length)) continue;
        signal.throwIfAborted();
        console.error(`${name}: ${nameOf(work)}`);
        const contest = await compete(page, work, entrants);
        adapter ||= contest.adapter;
        rows.push(...contest.rows);
      }
      const table = { title, rows, notes: [...notes, ...READING] };
      results[name] = table;
      console.log(`\n${adapter}, Chrome, ${date}`);
      for (const line of tableLines(table)) console.log(line);
    }
  } finally {
    await close();
    if (values.json) {
      const report = { adapter, on: "chrome", date, results };
      await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  }
  return 0;
}

const READING = [
  "Medians, in turns; ranges are shares of the median. MB: most bytes of GPU buffers of the page at once, inputs and pools included.",
  "Error: largest difference to a plain f64 reference, as a share of its largest value, checked before timing.",
  "On an adapter that is a CPU the ratios of times are not those of a GPU.",
];

async function install(signal: AbortSignal): Promise<void> {
  if (existsSync(`${FOLDER}node_modules/onnxruntime-web`)) return;
  console.error("Installing what is compared with, once, 220 MB, into test/bench/peers.");
  const npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  // A shell, because npm is a script on Windows.
  await promisify(execFile)("npm", npm, { cwd: FOLDER, shell: true, signal });
}

/** Serves this folder, whose packages are its own, and reads the library above it. */
function fromThisFolder(): Plugin {
  return {
    name: "peers",
    config: () => ({
      root: FOLDER,
      server: { fs: { allow: [ROOT] } },
      optimizeDeps: {
        include: ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"], // of CommonJS pieces
        exclude: ["onnxruntime-web"],
      },
    }),
  };
}

function nameOf(work: Work): string {
  return work.kind === "matmul" ? `${work.m} x ${work.k} x ${work.n}` : `${work.length} tokens`;
}

interface Player {
  readonly name: string;
  readonly page: Page;
  readonly error: number | undefined;
  readonly first: number;
  readonly times: number[];
}

/** One work, done by all entrants in turns. What fails is a row that says how. */
async function compete(opened: Page, work: Work, entrants: readonly Entrant[]) {
  const players: Player[] = [];
  const failures = new Map<string, string>();
  let adapter = "";
  for (const { name, upTo } of entrants) {
    if (upTo !== undefined && work.kind !== "matmul" && work.length > upTo) {
      failures.set(name, `not run above ${upTo}`);
      continue;
    }
    console.error(`  ${name}`);
    const page = await (opened.context().browser() as Browser).newPage();
    try {
      await page.goto(opened.url());
      await page.waitForFunction(() => "prepare" in window);
      const checked = await page.evaluate(([who, what]) => window.prepare(who, what), [name, work] as const);
      if (checked.error !== undefined && !(checked.error <= ERROR_BOUND)) {
        throw new Error(`wrong: off by ${checked.error.toExponential(1)}`);
      }
      const first = await page.evaluate(() => window.sample(1));
      adapter ||= checked.adapter;
      players.push({ name, page, error: checked.error, first, times: [] });
    } catch (error) {
      failures.set(name, `failed: ${firstLine(error)}`);
      await page.close();
    }
  }
  const runs = (first: number) => Math.max(1, Math.ceil(SAMPLE / first));
  const turn = players.reduce((sum, { first }) => sum + first * runs(first), 0);
  const samples = Math.min(MOST_SAMPLES, Math.max(1, Math.floor(BUDGET / turn)));
  for (let i = 0; i < samples; i++) {
    for (const { name, page, first, times } of players) {
      if (failures.has(name)) continue;
      try {
        times.push(await page.evaluate((count) => window.sample(count), runs(first)));
      } catch (error) {
        failures.set(name, `failed: ${firstLine(error)}`);
      }
    }
  }
  const base = median(players.find(({ name }) => name === entrants[0]?.name)?.times ?? []);
  const rows: Row[] = [];
  for (const { name } of entrants) {
    const player = players.find((candidate) => candidate.name === name);
    const failure = failures.get(name);
    const sizes = { [work.kind === "matmul" ? "m x k x n" : "length"]: nameOf(work), who: name };
    if (failure !== undefined || !player) {
      rows.push({
        ...sizes,
        ms: failure ?? "",
        [`over ${entrants[0]?.name}`]: "",
        range: "",
        MB: "",
        error: "",
      });
      continue;
    }
    const bytes = await player.page.evaluate(() => window.peakBytes());
    rows.push({
      ...sizes,
      ms: median(player.times),
      [`over ${entrants[0]?.name}`]: median(player.times) / base,
      range: `${range(player.times)} of ${player.times.length}`,
      MB: bytes / MEGABYTE,
      error: player.error?.toExponential(0) ?? "",
    });
  }
  for (const { page } of players) await page.close();
  return { rows, adapter };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? "").replace(/^page\.\w+: (Error: )?/, "").slice(0, 120);
}
