// Cases of models with a classification or a question-answering head.
import { fillToken } from "../../src/config/config.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { classify } from "../../src/layers/classification-head.js";
import { copyInto } from "../../src/layers/copy.js";
import { embed } from "../../src/layers/embedding.js";
import { type HeadTensors, headLoss } from "../../src/layers/heads.js";
import { ANSWER_OUTPUT, answerScores } from "../../src/layers/question-answering-head.js";
import { layerForward } from "../../src/layers/reversible-block.js";
import { forwardBackward } from "../../src/model/stack.js";
import { type CallShape, type Case, callShape, padRows, tensorOf } from "./case.js";
import { type Computed, countFlips, recordLayerHash } from "./hashes.js";
import { answerTargets, hasLabels, problemTypeOf } from "./labels.js";
import { openSession, type Session } from "./session.js";

/** What the host gives the loss: targets, what each counts, and the scale of all. */
interface Labels {
  readonly targets: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
  readonly lossScale: number;
}

function labelsOf(c: Case, { batch, length }: CallShape): Labels {
  if (c.kind === "qa") {
    const targets = hasLabels(c) ? answerTargets(c, length) : new Int32Array(2 * batch).fill(-100);
    const counted = [0, 1].map((end) => targets.filter((t, i) => i % 2 === end && t >= 0).length);
    const weights = Float32Array.from(targets, (_, i) => 0.5 / Math.max(1, counted[i % 2] as number));
    return { targets, weights, lossScale: 1 };
  }
  const single = problemTypeOf(c) === "single-label";
  const labels = hasLabels(c)
    ? tensorOf(c, "input/labels").data
    : new Int32Array(batch * (single ? 1 : c.config.numLabels));
  return {
    targets: single ? Int32Array.from(labels) : Float32Array.from(labels),
    weights: new Float32Array(batch).fill(1),
    lossScale: 1 / batch,
  };
}

/** Recorded twice: layer by layer with everything visible, and in training once more as training runs it. */
export async function labelled(given: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const problem = given.kind === "classification" ? problemTypeOf(given) : given.config.problemType;
  const c: Case = { ...given, config: { ...given.config, problemType: problem } };
  const labels = labelsOf(c, callShape(c, true));
  const { session, context, shape, hashes } = openSession(c, gpu, fixedPoint, true, labels.lossScale);
  const tokens = Uint32Array.from(padRows(tensorOf(c, "input/input_ids").data, shape, fillToken(c.config)));
  const zeros = () => new Float32Array(shape.batch * shape.padded * c.config.hiddenSize);
  const streams = { x1: session.stream("x1", zeros()), x2: session.stream("x2", zeros()) };
  embed(context, session.input("tokens", tokens), streams.x1);
  copyInto(context, streams.x1, streams.x2);
  context.config.layers.forEach((kind, layer) => {
    recordLayerHash(session, layer, streams.x2, hashes.get(layer));
    layerForward(context, layer, kind, streams);
    session.snapshot(`layer/${layer}/attn_output`, streams.x1);
    session.snapshot(`layer/${layer}/hidden_states`, streams.x2);
  });
  const scores = session.input("scores", zeroScores(c, shape));
  if (c.kind === "qa") {
    answerScores(context, streams, scores);
    session.result("start_logits", scores, (words) => endLogits(words, shape, 0));
    session.result("end_logits", scores, (words) => endLogits(words, shape, 1));
  } else {
    classify(context, streams, scores);
    session.result("logits", scores);
  }
  if (!shape.training) {
    if (hasLabels(c)) headLoss(context, streams, lossTensors(c, session, shape, labels), 0);
    return countFlips(await session.run(), hashes);
  }
  const forwardValues = await session.run();

  const training = openSession(c, gpu, fixedPoint, true, labels.lossScale).session;
  const trained = {
    ...lossTensors(c, training, shape, labels),
    tokens: training.input("tokens", tokens),
    streams: { x1: training.stream("x1", zeros()), x2: training.stream("x2", zeros()) },
    gradients: { x1: training.rows("dx1", zeros()), x2: training.rows("dx2", zeros()) },
  };
  forwardBackward(training.context, trained, { labelSmoothing: 0, store: false });
  // As every gradient it is cleared; nothing is ever added to it.
  if (c.kind === "qa") training.recording.clear(training.context.gradient(`${ANSWER_OUTPUT}.bias`));
  return countFlips(new Map([...forwardValues, ...(await training.run())]), hashes);
}

function lossTensors(c: Case, session: Session, shape: CallShape, labels: Labels): HeadTensors {
  const { targets, weights, lossScale } = labels;
  const losses = session.input("losses", new Float32Array(weights.length));
  session.result("loss", losses, (words) => [
    Array.from(words).reduce((sum, loss) => sum + loss, 0) * lossScale,
  ]);
  return {
    targets: session.input("targets", targets),
    weights: session.input("weights", weights),
    losses,
    scores: session.input("scores of the loss", zeroScores(c, shape)),
  };
}

function zeroScores(c: Case, { batch, length }: CallShape): Float32Array<ArrayBuffer> {
  return new Float32Array(c.kind === "qa" ? batch * 2 * length : batch * c.config.numLabels);
}

/** Logits of one end, [batch, length], of [batch, 2, length]. */
function endLogits(words: ArrayLike<number>, { length }: CallShape, end: number): number[] {
  return Array.from(words).filter((_, i) => Math.floor(i / length) % 2 === end);
}
