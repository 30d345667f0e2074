import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { main } from "../../src/cli/train.js";

const STEPS = 6;
/** The smallest model: what is tested is the command, and every kernel costs compilation. */
const TINY =
  "--layers local --hidden 8 --heads 1 --feed-forward 8 --length 16 --chunk 16 --batch 1 --evaluate-every 0 --sample-every 0 --checkpoint-every 0".split(
    " ",
  );

let home = "";
let book = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "train-"));
  book = join(home, "a book.txt");
  await writeFile(book, "The whale swims, the ship follows; the sea says nothing. ".repeat(20));
});
afterAll(() => rm(home, { recursive: true }));

/** Runs the command; Ctrl-C comes where the output contains `interruptAt`. */
async function run(
  args: readonly string[],
  interruptAt?: string,
): Promise<{ status: number; output: string; errors: string }> {
  const stop = new AbortController();
  let output = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    output += text;
    if (interruptAt && output.includes(interruptAt))
      stop.abort(new DOMException("Interrupted.", "AbortError"));
    return true;
  });
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    const status = await main(args, { signal: stop.signal });
    return { status, output, errors: errors.mock.calls.join("\n") };
  } finally {
    vi.restoreAllMocks();
  }
}

const command = (name: string) => [
  book,
  ...TINY,
  ...["--steps", String(STEPS), "--checkpoints", join(home, name), "--out", join(home, name, "model")],
];
const weightsOf = (name: string) => readFile(join(home, name, "model", "model.safetensors"));

test("a run that Ctrl-C stops is saved; the same command ends it as if nothing had been", async () => {
  const whole = await run(command("whole"));
  expect(whole.status).toBe(0);
  expect(whole.output).toMatch(/^adapter .+\nmodel .+ parameters\nGPU memory .+ planned for training/m);
  expect(whole.output).toContain(`step ${STEPS}/${STEPS}`);
  expect((await readdir(join(home, "whole", "model"))).sort()).toEqual([
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);

  const stopped = await run(command("halves"), `step 1/${STEPS}`);
  expect(stopped.status).toBe(130);
  const [, step, again] =
    /Stopped and saved at step (\d+), in .+a-book\. To go on: (.+)/.exec(stopped.output) ?? [];
  expect(Number(step)).toBeGreaterThanOrEqual(1);
  expect(Number(step)).toBeLessThan(STEPS);
  expect(again).toContain(`npm run train -- '${book}' --layers local`);

  const resumed = await run(command("halves"));
  expect(resumed.status).toBe(0);
  expect(resumed.output).toContain(`going on after step ${step}`);
  expect(resumed.output).not.toContain(`step 1/${STEPS}`);
  expect(await weightsOf("halves")).toEqual(await weightsOf("whole"));
});

test("what cannot be run is refused with a sentence and a status, without a stack trace", async () => {
  expect(await run(["--hidden", "wide"])).toMatchObject({
    status: 2,
    errors: 'ConfigError: --hidden is "wide", but must be a whole number.',
  });
  expect(await run([join(home, "none.txt")])).toMatchObject({
    status: 1,
    errors: expect.stringMatching(/^TextError: .*none\.txt cannot be read \(ENOENT\): give the path/),
  });
});
