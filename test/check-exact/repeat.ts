// Does the same run give the same bytes again, also across a stop and a resume in another engine?
import { Engine } from "../../src/engine/engine.js";
import type { CheckpointStore } from "../../src/io/checkpoint-store.js";
import { memoryStore } from "../../src/io/memory-store.js";
import { readSafetensors } from "../../src/io/safetensors.js";
import { savedNames } from "../../src/io/weight-names.js";
import type { ReformerOptions, TrainOptions } from "../../src/types.js";
import { alternating, type Check, MODEL, SHAPE, sha256 } from "./check.js";

const STEPS = 20;
const STOP = 10;
const CONFIG: ReformerOptions = { ...MODEL, layers: alternating(2) };
const TRAINING: TrainOptions = {
  steps: STEPS,
  ...SHAPE,
  learningRate: 3e-3,
  evaluateEvery: 10,
  evaluateTokens: SHAPE.length,
  checkpoint: "run",
  checkpointEvery: STOP, // nothing is in flight at a checkpoint, so that leaving the loop there stops exactly there
};

interface Hashes {
  readonly weights: string;
  readonly optimizer: string;
}

/** Trains in an engine of its own, on a device of its own where none is given; `from` and `to` are the first and the last step taken. */
async function run(
  text: string,
  store: CheckpointStore,
  { device, stop = STEPS }: { readonly device?: GPUDevice; readonly stop?: number } = {},
): Promise<Hashes & { readonly from: number; readonly to: number }> {
  const engine = await Engine.create(CONFIG, { seed: 5, device, openStore: async () => store });
  const steps: number[] = [];
  try {
    for await (const { step } of engine.train(text, TRAINING)) {
      steps.push(step);
      if (step === stop) break;
    }
    const weights = (await engine.files())["model.safetensors"];
    const saved = await store.load();
    const [model, optimizer] = [saved?.get("model.safetensors"), saved?.get("optimizer.safetensors")];
    if (!weights || !model || !optimizer) throw new Error("the run left no files");
    if (!sameTensors(weights, model)) throw new Error("the checkpoint has other weights than the model");
    return {
      weights: sha256(weights),
      optimizer: sha256(optimizer),
      from: steps[0] ?? 0,
      to: steps.at(-1) ?? 0,
    };
  } finally {
    await engine.dispose();
  }
}

/** Whether a saved model has the tensors of a checkpoint, to the bit, and no others but a second name of the head's bias. */
function sameTensors(saved: Uint8Array, checkpoint: Uint8Array): boolean {
  const [all, kept] = [saved, checkpoint].map((bytes) => readSafetensors(bytes).tensors);
  if (!all || !kept) return false;
  const expected = savedNames(kept);
  return (
    all.size === expected.size &&
    [...expected].every(([name, { bytes }]) => {
      const found = all.get(name)?.bytes;
      return found !== undefined && sha256(found) === sha256(bytes);
    })
  );
}

const equal = (a: Hashes, b: Hashes): boolean => a.weights === b.weights && a.optimizer === b.optimizer;
const verdict = (a: Hashes, b: Hashes): string =>
  equal(a, b) ? "weights and optimizer state are byte-equal" : "the bytes are not equal";
const shown = (name: string, { weights, optimizer }: Hashes): string[] => [
  `${name}`,
  `  weights   ${weights}`,
  `  optimizer ${optimizer}`,
];

export async function checkRepeats(device: GPUDevice, text: string): Promise<Check[]> {
  const first = await run(text, memoryStore(), { device });
  const second = await run(text, memoryStore(), { device });
  const store = memoryStore();
  const stopped = await run(text, store, { device, stop: STOP });
  const resumed = await run(text, store);
  const exactly = stopped.to === STOP && resumed.from === STOP + 1 && resumed.to === STEPS;
  return [
    {
      name: "(b) the same run twice",
      passed: equal(first, second) && first.to === STEPS && second.to === STEPS,
      measured: `${STEPS} steps each, one seed: ${verdict(first, second)}`,
      details: [...shown("first", first), ...shown("second", second)],
    },
    {
      name: "(c) stop and resume",
      passed: equal(first, resumed) && exactly && !equal(first, stopped),
      measured: `steps 1-${stopped.to}, saved, ${resumed.from}-${resumed.to} in a new engine on a new device against (b): ${verdict(first, resumed)}`,
      details: [...shown(`at step ${STOP}`, stopped), ...shown("resumed", resumed)],
    },
  ];
}
