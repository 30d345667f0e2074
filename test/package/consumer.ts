/** The packed library in a project of someone else: installation, types, Node. */
import { execFileSync } from "node:child_process";
import { readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { findVulkanDriver } from "../../src/cli/node-gpu.mjs";

/** Runs a program and shows what it prints. @throws Error where its exit status is not 0 */
export function execute(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): void {
  console.log(`$ ${program} ${args.join(" ")}`);
  execFileSync(program, args, { stdio: "inherit", ...options });
}

/** Builds, packs and checks the library; returns the archive. */
export async function pack(folder: string): Promise<string> {
  execute("npm", ["pack", "--silent", "--pack-destination", folder]); // builds first: its script prepack
  const name = (await readdir(folder)).find((file) => file.endsWith(".tgz"));
  if (!name) throw new Error("npm pack made no archive.");
  const archive = join(folder, name);
  execute("npx", ["publint", "--strict", archive]);
  execute("npx", ["attw", archive, "--profile", "esm-only"]);
  return archive;
}

/** Installs the archive into a project; the library has no dependencies, so no registry is asked. */
export async function install(folder: string, archive: string): Promise<void> {
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  execute("npm", ["install", "--offline", "--no-audit", archive], { cwd: folder });
}

const USES_OF_TYPES = `
import { STATION_TAGS, type StationElement, useCourseFiles } from "webgpu-reformer/elements";
import { createWorker } from "webgpu-reformer/inline";
import { macroF1 } from "webgpu-reformer/metrics";
import { fromFolder, prepareNode, intoFolder } from "webgpu-reformer/node";
import type { ModelFiles, TrainStep } from "webgpu-reformer";

export async function inNode(device: GPUDevice, signal: AbortSignal): Promise<TrainStep[]> {
  await prepareNode();
  const files: ModelFiles = await fromFolder("model");
  const steps: TrainStep[] = [];
  await using loaded = await Reformer.load(files, { device, signal });
  for await (const step of loaded.train("text", { steps: 1, signal })) steps.push(step);
  await loaded.save(intoFolder("model"));
  return steps;
}
export const share: number = macroF1(["spam", "ham"], ["spam", "spam"]);
export const inlined = () => Reformer.create({}, { worker: createWorker });
export function embedded(): string[] {
  useCourseFiles("/course/");
  const station: StationElement = document.createElement("reformer-station-lsh");
  return STATION_TAGS.map((tag) => document.createElement(tag).tableAs("csv") + station.number);
}
// @ts-expect-error: there is no such table
export const noTable = (station: StationElement) => station.tableAs("pdf");
// @ts-expect-error: steps are needed
export const wrong = async () => (await Reformer.create()).train("text", {});
`;

/** Compiles the example and uses of other entries, as strictly as TypeScript can, for bundlers and for Node. */
export async function checkTypes(folder: string, example: string): Promise<void> {
  await writeFile(join(folder, "main.ts"), example + USES_OF_TYPES);
  for (const [module, moduleResolution] of [
    ["esnext", "bundler"],
    ["nodenext", "nodenext"],
  ]) {
    const compilerOptions = {
      ...{ module, moduleResolution, target: "esnext", lib: ["esnext", "dom"], types: [], noEmit: true },
      ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
    };
    const name = `tsconfig.${moduleResolution}.json`;
    await writeFile(join(folder, name), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
    execute("npx", ["tsc", "-p", join(folder, name)]);
  }
}

const NODE_PROGRAM = `
import { fromFolder, prepareNode, intoFolder, Reformer } from "webgpu-reformer/node";
import { readFile } from "node:fs/promises";

await prepareNode();
const text = await readFile("public/book.txt", "utf8");
const model = await Reformer.create({ hiddenSize: 64, layers: ["local", "lsh"] }, { seed: 1 });
for await (const { step, loss } of model.train(text, { steps: 3, length: 128 })) console.log("Node: step", step, loss);
await model.save(intoFolder("model"));
const written = await model.generate("Call me", { maxNewTokens: 4, temperature: 0 }).text();
await model.dispose();

const loaded = await Reformer.load(await fromFolder("model"));
const again = await loaded.generate("Call me", { maxNewTokens: 4, temperature: 0 }).text();
await loaded.dispose();
console.log("Node: wrote", JSON.stringify(written), "and, loaded from its folder,", JSON.stringify(again));
process.exit(written === again ? 0 : 1);
`;

/** Trains, saves, loads and writes in Node with the package webgpu. */
export async function runInNode(folder: string): Promise<void> {
  await symlink(resolve("node_modules/webgpu"), join(folder, "node_modules/webgpu"));
  await writeFile(join(folder, "node.mjs"), NODE_PROGRAM);
  const driver = findVulkanDriver({ software: true });
  const env = driver
    ? { ...process.env, VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: dirname(driver) } // Chromium's has its loader beside it
    : process.env;
  execute("node", ["node.mjs"], { cwd: folder, env });
}
