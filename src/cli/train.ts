// `npm run train -- [FILE] [options]`: trains on a text in Node with the engine of the browser.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ReformerError, TextError } from "../errors.js";
import { openNodeStore } from "../io/node-store.js";
import { intoFolder, planMemory, prepareNode, Reformer } from "../node.js";
import type { MemoryUse, ModelDescription, TrainStep } from "../types.js";
import { BOOK, readBook } from "./book.js";
import { formatBytes, Progress } from "./progress.js";
import { explain, parseTrainCommand, type TrainCommand, trainHelp } from "./train-options.js";

const INTERRUPTED = 130; // 128 + SIGINT, the shell's convention
const USAGE = 2;

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const progress = new Progress(process.stdout);
  try {
    const command = parseTrainCommand(args);
    if (command === "help") {
      console.log(trainHelp());
      return 0;
    }
    return await train(command, againWith(args), progress, signal);
  } catch (error) {
    progress.end();
    if (!(error instanceof ReformerError)) throw error;
    console.error(`${error.name}: ${explain(error)}`);
    return error.name === "ConfigError" ? USAGE : 1;
  }
}

async function train(
  command: TrainCommand,
  again: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const { config, tokenizer, seed, training, checkpoints, out } = command;
  const text = await readText(command.file);
  progress.print(`text         ${describeText(command.file, text)}`);
  const folder = join(checkpoints, training.checkpoint);
  const before = training.resume ? await savedStep(folder) : undefined;
  await prepareNode({ checkpoints });
  const onProgress = ({ phase, loaded, total }: { phase: string; loaded: number; total: number }) =>
    progress.stage(phase, loaded, total);
  const model = await Reformer.create(config, { seed, tokenizer, text, worker: "none", signal, onProgress });
  try {
    const description = await model.describe();
    const plan = await planMemory(description.config, training, description.adapter);
    for (const line of describeRun(description, plan)) progress.print(line);
    progress.print(
      before === undefined
        ? `checkpoints  ${folder}`
        : `checkpoints  ${folder}, going on after step ${before}`,
    );
    if (before !== undefined && before >= training.steps) {
      progress.print(
        `Step ${before} of ${training.steps} is done: raise --steps, or start anew with --fresh.`,
      );
    }
    const ended = await runSteps(model, text, command, progress, signal);
    if (ended !== "complete") {
      const step = (await savedStep(folder)) ?? 0;
      progress.print(`Stopped and saved at step ${step}, in ${folder}. To go on: ${again}`);
    }
    if (ended === "interrupted") return INTERRUPTED;
    if (out !== undefined) {
      await model.save(intoFolder(out));
      progress.print(`saved        ${out}`);
    }
    return 0;
  } finally {
    await model.dispose();
  }
}

/** Trains until the last step, the time limit or Ctrl-C; in all cases the engine has saved a checkpoint then. */
async function runSteps(
  model: Reformer,
  text: string,
  { training, milliseconds = Number.POSITIVE_INFINITY }: TrainCommand,
  progress: Progress,
  signal: AbortSignal,
): Promise<"complete" | "out of time" | "interrupted"> {
  const started = performance.now();
  try {
    for await (const step of model.train(text, { ...training, signal })) {
      report(step, training.samplePrompt ?? "", progress);
      const over = performance.now() - started >= milliseconds;
      if (over && step.step < step.steps) return "out of time";
    }
    return "complete";
  } catch (error) {
    if (!signal.aborted) throw error;
    return "interrupted";
  } finally {
    progress.end();
  }
}

function report(step: TrainStep, prompt: string, progress: Progress): void {
  if (step.notice) progress.print(step.notice);
  progress.step(step);
  if (step.heldOut) {
    const { loss, bitsPerCharacter } = step.heldOut;
    progress.print(
      `step ${step.step}: held-out loss ${loss.toFixed(4)}, ${bitsPerCharacter.toFixed(3)} bits per character`,
    );
  }
  if (step.sample !== undefined)
    progress.print(`step ${step.step} writes: ${JSON.stringify(prompt + step.sample)}`);
}

async function readText(file: string | undefined): Promise<string> {
  if (file === undefined) return readBook();
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new TextError(
      `${file} cannot be read (${error.code ?? error.message}): give the path of a text file, or none for ${BOOK.title}.`,
      { file },
    );
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new TextError(`${file} is no UTF-8 text: convert it, for example with iconv.`, { file });
  }
}

function describeText(file: string | undefined, text: string): string {
  const source = file ?? `${BOOK.title} (${BOOK.source})`;
  return `${source}, ${text.length.toLocaleString("en-US")} characters`;
}

function* describeRun({ adapter, parameters, config }: ModelDescription, plan: MemoryUse): Generator<string> {
  const name = [adapter.description, adapter.architecture, adapter.vendor].find(Boolean) ?? "unnamed";
  yield `adapter      ${name}${adapter.fallback ? " (software)" : ""}`;
  yield `model        ${config.layers.join(", ")}; ${parameters.toLocaleString("en-US")} parameters`;
  const parts = Object.entries(plan).filter(
    ([category]) => category !== "total" && category !== "largestBinding",
  );
  const list = parts.map(([category, bytes]) => `${category} ${formatBytes(bytes)}`).join(", ");
  yield `GPU memory   ${formatBytes(plan.total)} planned for training: ${list}`;
}

/** The step of the checkpoint in a folder; undefined where there is none. */
async function savedStep(folder: string): Promise<number | undefined> {
  const training = (await openNodeStore(folder).load())?.get("training.json");
  return training && (JSON.parse(new TextDecoder().decode(training)) as { step: number }).step;
}

/** The command that goes on with a run. */
function againWith(args: readonly string[]): string {
  const kept = args.filter((arg) => arg !== "--fresh");
  const quoted = kept.map((arg) =>
    /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`,
  );
  return ["npm run train", ...(quoted.length > 0 ? ["--", ...quoted] : [])].join(" ");
}
