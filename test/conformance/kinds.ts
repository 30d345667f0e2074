// How each kind of case is recorded with the project's layers, and which results carry which recorded names.
import { fillToken, type LayerKind, runsFullAttention } from "../../src/config/config.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { projections } from "../../src/layers/attention.js";
import { type AttentionHeads, attendHeads, attendHeadsBackward } from "../../src/layers/attention-heads.js";
import { copyInto } from "../../src/layers/copy.js";
import { embed, embedBackward } from "../../src/layers/embedding.js";
import { feedForward, feedForwardBackward } from "../../src/layers/feed-forward.js";
import { finalStates, languageModelLoss, logitsOf } from "../../src/layers/head.js";
import { linear, linearInputGradient, linearWeightGradient } from "../../src/layers/linear.js";
import { layerBackward, layerForward, type Streams } from "../../src/layers/reversible-block.js";
import { forwardBackward } from "../../src/model/stack.js";
import type { Tensor } from "../../src/scheduler/recording.js";
import { type Case, callShape, padRows, tensorOf } from "./case.js";
import { decodeCase } from "./decoding.js";
import { type Computed, countFlips, recordHash, recordLayerHash } from "./hashes.js";
import { labelled } from "./heads.js";
import { labelsOf, realRows, targetsOf } from "./reference/cases.js";
import { openSession as open } from "./session.js";
import { optimize } from "./training.js";

export interface Kind {
  /** False where no residual stream takes part: both kinds of streams give the same. */
  readonly streams: boolean;
  readonly run: (c: Case, gpu: Gpu, fixedPoint: boolean) => Promise<Computed>;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  lsh_attention: { streams: false, run: attention },
  local_attention: { streams: false, run: attention },
  paper_lsh: { streams: false, run: paper },
  feed_forward: { streams: true, run: feedForwardCase },
  embeddings: { streams: true, run: embeddings },
  reversible_layer: { streams: true, run: reversible },
  lm: { streams: true, run: languageModel },
  mlm: { streams: true, run: languageModel },
  classification: { streams: true, run: labelled },
  qa: { streams: true, run: labelled },
  optimizer: { streams: true, run: optimize },
  decode: { streams: true, run: decodeCase },
  checkpoint: { streams: true, run: languageModel },
};

async function attention(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const { session, context, hashes } = open(c, gpu, fixedPoint);
  const { recording, config, batch, length, weight, gradient } = context;
  const kind = config.layers[0] as LayerKind;
  const tokens = batch * length;
  const width = config.numHeads * config.headSize;
  const heads = [batch, config.numHeads, length, config.headSize];
  const name = (projection: string) =>
    `reformer.encoder.layers.0.attention.self_attention.${projection}.weight`;
  const x = session.input("x", Float32Array.from(tensorOf(c, "input/hidden_states").data));
  const projected = projections(kind).map((projection) => {
    const out = recording.tensor(projection, heads);
    linear(
      context,
      { x, weight: weight(name(projection)), out },
      { m: tokens, n: width, k: config.hiddenSize, cHeads: true },
    );
    return out;
  });
  const query = projected[0] as Tensor;
  const values = projected.at(-1) as Tensor;
  const state: AttentionHeads = { query, key: kind === "lsh" ? undefined : projected[1], value: values };
  recordHash(session, 0, query, hashes.get(0));
  const attended = attendHeads(context, 0, kind, runsFullAttention(config, kind, length), state);
  const output = session.input("output", new Float32Array(tokens * width));
  recording.copy(attended.out, output);
  session.result("output", output, (words) => session.mergeHeads(words));

  const dOutput = session.input("dOutput", session.splitHeads(tensorOf(c, "input/grad_output").data));
  const dx = session.input("dx", new Float32Array(tokens * config.hiddenSize));
  attendHeadsBackward(context, attended, dOutput).forEach((dOut, i) => {
    const projection = name(projections(kind)[i] as string);
    linearWeightGradient(
      context,
      { dOut, x, dWeight: gradient(projection) },
      { m: width, n: config.hiddenSize, k: tokens, aHeads: true },
    );
    linearInputGradient(
      context,
      { dOut, weight: weight(projection), dx },
      { m: tokens, n: config.hiddenSize, k: width, aHeads: true, store: "add" },
    );
  });
  session.result("grad_hidden_states", dx);
  return countFlips(await session.run(), hashes);
}

/** One head without weights. */
async function paper(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const { session, context, hashes } = open(c, gpu, fixedPoint);
  const query = session.input("qk", Float32Array.from(tensorOf(c, "qk").data));
  const value = session.input("v", Float32Array.from(tensorOf(c, "v").data));
  const dOut = session.input("cotangent", Float32Array.from(tensorOf(c, "cotangent").data));
  const state: AttentionHeads = { query, key: undefined, value };
  recordHash(session, 0, query, hashes.get(0));
  const attended = attendHeads(context, 0, "lsh", false, state);
  const results = { out: attended.out, d_qk: undefined, d_v: undefined } as Record<
    string,
    Tensor | undefined
  >;
  [results.d_qk, results.d_v] = attendHeadsBackward(context, attended, dOut);
  for (const [name, tensor] of Object.entries(results)) {
    if (!tensor) continue;
    const kept = session.input(name, new Float32Array(tensor.byteLength / 4));
    context.recording.copy(tensor, kept);
    session.result(name, kept);
  }
  return countFlips(await session.run(), hashes);
}

async function feedForwardCase(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const { session, context, hashes } = open(c, gpu, fixedPoint);
  const input = tensorOf(c, "input/hidden_states").data;
  const zeros = new Float32Array(input.length);
  const y1 = session.stream("y1", input);
  const y2 = session.stream("y2", zeros); // the block adds its output to zeros
  const dy1 = session.rows("dy1", zeros);
  const dy2 = session.rows("dy2", tensorOf(c, "input/grad_output").data);
  feedForward(context, 0, y1, y2);
  session.snapshot("output", y2);
  feedForwardBackward(context, 0, { y1, y2, dy1, dy2 });
  session.result("grad_hidden_states", dy1);
  return countFlips(await session.run(), hashes);
}

async function embeddings(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const { session, context, hashes } = open(c, gpu, fixedPoint);
  const firstPosition = Number(c.call.start_idx_pos_encodings ?? 0);
  const shifted = { ...context, positionOffset: firstPosition };
  const ids = Uint32Array.from(tensorOf(c, "input/input_ids").data);
  const tokens = session.input("tokens", ids);
  const gradient = tensorOf(c, "input/grad_output").data;
  const x = session.stream("x", new Float32Array(gradient.length));
  embed(shifted, tokens, x);
  session.snapshot("output", x);
  // The backward pass sums the gradients of both streams; here only one leads anywhere.
  const gradients: Streams = {
    x1: session.rows("dx1", gradient),
    x2: session.rows("dx2", new Float32Array(gradient.length)),
  };
  embedBackward(shifted, tokens, gradients);
  return countFlips(await session.run(), hashes);
}

async function reversible(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const { session, context, hashes } = open(c, gpu, fixedPoint);
  const kind = context.config.layers[0] as LayerKind;
  const streams: Streams = {
    x1: session.stream("x1", tensorOf(c, "input/x1_prev_attn_output").data),
    x2: session.stream("x2", tensorOf(c, "input/x2_hidden_states").data),
  };
  const gradients: Streams = {
    x1: session.rows("dy1", tensorOf(c, "input/grad_y1").data),
    x2: session.rows("dy2", tensorOf(c, "input/grad_y2").data),
  };
  recordLayerHash(session, 0, streams.x2, hashes.get(0));
  layerForward(context, 0, kind, streams);
  session.snapshot("y1_attn_output", streams.x1);
  session.snapshot("y2_hidden_states", streams.x2);
  layerBackward(context, 0, kind, streams, gradients);
  session.snapshot("recon_x1", streams.x1);
  session.snapshot("recon_x2", streams.x2);
  session.result("grad_x1", gradients.x1);
  session.result("grad_x2", gradients.x2);
  return countFlips(await session.run(), hashes);
}

/** Recorded twice: layer by layer with everything visible, and in training once more as training runs it. */
async function languageModel(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const called = callShape(c, true);
  const targets = targetsOf(c, labelsOf(c, called), called);
  const counted = targets.filter((target) => target >= 0).length;
  const forwardPass = open(c, gpu, fixedPoint, true);
  const { shape, hashes } = forwardPass;
  const tokens = Uint32Array.from(padRows(tensorOf(c, "input/input_ids").data, shape, fillToken(c.config)));
  const rows = shape.batch * shape.padded;
  const width = rows * c.config.hiddenSize;
  const zeros = () => new Float32Array(width);

  const { session, context } = forwardPass;
  const streams: Streams = { x1: session.stream("x1", zeros()), x2: session.stream("x2", zeros()) };
  embed(context, session.input("tokens", tokens), streams.x1);
  copyInto(context, streams.x1, streams.x2);
  context.config.layers.forEach((kind, layer) => {
    recordLayerHash(session, layer, streams.x2, hashes.get(layer));
    layerForward(context, layer, kind, streams);
    session.snapshot(`layer/${layer}/attn_output`, streams.x1);
    session.snapshot(`layer/${layer}/hidden_states`, streams.x2);
  });
  const logits = session.input("logits", new Float32Array(rows * c.config.vocabSize));
  logitsOf(context, finalStates(context, streams, 0, rows), rows, logits);
  session.result("logits", logits, (words) => realRows(words as Float32Array, shape, c.config.vocabSize));
  const losses = session.input("losses", new Float32Array(rows));
  const loss = { targets: session.input("targets", targets), losses };
  const mean = (words: ArrayLike<number>) => [Array.from(words).reduce((sum, x) => sum + x, 0) / counted];
  if (!shape.training) {
    if (counted > 0) {
      languageModelLoss(context, streams, loss, 0);
      session.result("loss", losses, mean);
    }
    return countFlips(await session.run(), hashes);
  }
  const forwardValues = await session.run();

  const training = open(c, gpu, fixedPoint, true, 1 / counted).session;
  const trained = {
    tokens: training.input("tokens", tokens),
    streams: { x1: training.stream("x1", zeros()), x2: training.stream("x2", zeros()) },
    gradients: { x1: training.rows("dx1", zeros()), x2: training.rows("dx2", zeros()) },
    targets: training.input("targets", targets),
    losses: training.input("losses", new Float32Array(rows)),
  };
  training.result("loss", trained.losses, mean);
  forwardBackward(training.context, trained, { labelSmoothing: 0, store: false });
  return countFlips(new Map([...forwardValues, ...(await training.run())]), hashes);
}
