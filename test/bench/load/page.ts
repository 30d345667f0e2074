// From a page that has nothing to a model that writes and learns.
import type { Reformer as ReformerClass } from "../../../src/reformer.js";

/** Milliseconds since the import began. */
export interface Loaded {
  readonly imported: number;
  readonly made: number;
  readonly firstToken: number;
  readonly firstStep: number;
  /** Pipelines compiled until then, and the time during which any was being compiled. */
  readonly toFirstToken: Compiled;
  readonly toFirstStep: Compiled;
}

export interface Compiled {
  readonly pipelines: number;
  readonly milliseconds: number;
}

/** Start and end of a compilation, in milliseconds of the machine's clock. */
type Span = readonly [start: number, end: number];

/** The channel on which the worker tells of its compilations. */
export const CHANNEL = "pipelines";

/** Runs in the worker: tells of every pipeline that it compiles. */
export const WATCHING = `{
  const channel = new BroadcastChannel("${CHANNEL}");
  const compile = GPUDevice.prototype.createComputePipelineAsync;
  GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
    const start = performance.timeOrigin + performance.now();
    const pipeline = await compile.call(this, descriptor);
    channel.postMessage([start, performance.timeOrigin + performance.now()]);
    return pipeline;
  };
}`;

/**
 * Runs in the page, by its text: it refers to nothing outside.
 * @param begun when the import of the library began
 */
export async function load(Reformer: typeof ReformerClass, begun: number, channel: string): Promise<Loaded> {
  const imported = performance.now() - begun;
  const spans: Span[] = [];
  new BroadcastChannel(channel).onmessage = ({ data }) => void spans.push(data as Span);
  const compiled = (): Compiled => {
    let milliseconds = 0;
    let until = 0;
    for (const [start, end] of [...spans].sort(([a], [b]) => a - b)) {
      milliseconds += Math.max(0, end - Math.max(start, until));
      until = Math.max(until, end);
    }
    return { pipelines: spans.length, milliseconds };
  };
  const model = await Reformer.create({
    ...{ hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 128 },
    ...{ layers: ["local", "lsh"], localChunkLength: 16, lshChunkLength: 16, maxLength: 256 },
  });
  const made = performance.now() - begun;
  await model.generate("A", { maxNewTokens: 1 }).text();
  const firstToken = performance.now() - begun;
  const toFirstToken = compiled();
  const text = "The ship sails on, the whale goes down; nobody counts the hours. ".repeat(20);
  const training = { steps: 1, length: 128, evaluateEvery: 0, checkpointEvery: 0 };
  const before = performance.now();
  await model.train(text, training).finish();
  const firstStep = performance.now() - before;
  const toFirstStep = compiled();
  await model.dispose();
  return { imported, made, firstToken, firstStep, toFirstToken, toFirstStep };
}
