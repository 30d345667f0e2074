// A plan may be made several times before its forms of kernels all work: what is asked of a model must not notice.
import { afterAll, expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { openDevice } from "../../src/engine/device.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import type { Planner } from "../../src/scheduler/plan.js";
import type { TaskModel } from "../../src/tasks/reading.js";
import { tasksOf } from "../../src/tasks/tasks.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import type { Tasks } from "../../src/types.js";
import { getDevice } from "../support/device.js";

const TEXT = "the whale and the sea and the ship";
const TOKENIZER = characterTokenizer(TEXT);
const OPTIONS: ReformerOptions = {
  ...{ vocabSize: TOKENIZER.vocabSize, hiddenSize: 16, numHeads: 2, headSize: 8, feedForwardSize: 16 },
  ...{ layers: ["local", "lsh"], localChunkLength: 8, lshChunkLength: 8, maxLength: 64 },
};
const opened: Awaited<ReturnType<typeof openDevice>>[] = [];
afterAll(() => {
  for (const { base, gpu } of opened) {
    base.dispose();
    gpu.dispose();
  }
});

test.each<[string, ReformerOptions, (tasks: Tasks) => Promise<unknown>]>([
  ["score", {}, (tasks) => tasks.score(TEXT)],
  ["explain", {}, (tasks) => tasks.explain(TEXT)],
  ["embed", {}, (tasks) => tasks.embed([TEXT])],
  ["coverage", {}, (tasks) => tasks.coverage(TEXT, { rounds: [1, 2] })],
  ["inspect", {}, (tasks) => tasks.inspect(TEXT, { layer: 1 })],
  ["classify", { head: "classification", causal: false }, (tasks) => tasks.classify([TEXT])],
  [
    "answer",
    { head: "question-answering", causal: false },
    (tasks) => tasks.answer({ question: "the sea", context: TEXT.slice(0, 20) }),
  ],
])("%s", async (_, options, ask) => {
  const config = resolveConfig({ ...OPTIONS, ...options });
  const device = await openDevice(config, await getDevice());
  opened.push(device);
  for (const [i, p] of parameters(config).entries()) {
    device.base.write(device.weights.get(p.name), initialValues(p, i, 3));
  }
  let made = 0;
  const { planner } = device;
  const twice: Planner = {
    profile: planner.profile,
    plan: (make) =>
      planner.plan((profile) => {
        made++;
        make(profile);
        return make(profile);
      }),
  };
  const model: TaskModel = { config, tokenizer: TOKENIZER, seed: 5, ...device };
  const expected = await ask(tasksOf(model));
  expect(await ask(tasksOf({ ...model, planner: twice }))).toEqual(expected);
  expect(made).toBeGreaterThan(0);
});
