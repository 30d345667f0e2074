// Models with a classification or a question-answering head in f64.
import { fillToken } from "../../../src/config/config.js";
import { type Case, callShape, padRows, tensorOf } from "../case.js";
import { answerTargets, hasLabels, problemTypeOf } from "../labels.js";
import { activate } from "./activations.js";
import { finalStates, type Setting } from "./blocks.js";
import { bodyOf, type Quantities, type ReferenceOptions, setting } from "./cases.js";
import { crossEntropy, gather, linear, type Numbers, scale, type Value } from "./tape.js";

export function labelled(c: Case, options: ReferenceOptions): Quantities {
  const shape = callShape(c, true);
  const { made, gradients } = setting(c, shape, options);
  const ids = padRows(tensorOf(c, "input/input_ids").data, shape, fillToken(c.config));
  const { streams, out } = bodyOf(made, ids);
  if (c.kind === "classification") classification(c, made, streams, out);
  else answer(c, made, streams, out, shape.length);
  made.tape.backward();
  for (const [name, gradient] of gradients()) out.set(name, gradient);
  return out;
}

function classification(c: Case, made: Setting, streams: [Value, Value], out: Quantities): void {
  const { tape, config, parameter, batch, length } = made;
  const { hiddenSize: E, numLabels } = config;
  const first = Array.from({ length: batch }, (_, row) => row * length);
  // The recorded mask of the final dropout is cut to the first tokens, and so are the rows here.
  const rows = streams.map((stream) => gather(tape, stream, first, E)) as [Value, Value];
  const states = dropped(made, "-1.classifier.input", finalStates(made, ...rows));
  const dense = (name: string, x: Value, size: number) =>
    linear(tape, x, parameter(`classifier.${name}.weight`), size, parameter(`classifier.${name}.bias`));
  const inner = dropped(made, "-1.classifier.inner", activate(tape, dense("dense", states, 2 * E), "tanh"));
  const logits = dense("out_proj", inner, E);
  out.set("logits", logits.data);
  if (!hasLabels(c)) return;
  const labels = tensorOf(c, "input/labels").data;
  const problem = problemTypeOf(c);
  const loss =
    problem === "single-label"
      ? crossEntropy(logits, labels, numLabels)
      : numericLoss(logits, labels, problem === "regression");
  out.set("loss", Float64Array.of(loss));
}

/** Mean over all logits of the squared error, or of binary cross-entropy; sets the gradient of the mean. */
function numericLoss(logits: Value, targets: Numbers, regression: boolean): number {
  const count = logits.data.length;
  let loss = 0;
  logits.data.forEach((z, i) => {
    const y = targets[i] as number;
    const p = 1 / (1 + Math.exp(-z));
    loss += (regression ? (z - y) ** 2 : -(y * Math.log(p) + (1 - y) * Math.log(1 - p))) / count;
    logits.grad[i] = (regression ? 2 * (z - y) : p - y) / count;
  });
  return loss;
}

/** Half the mean cross-entropy of the starts over all positions, and half that of the ends. */
function answer(c: Case, made: Setting, streams: [Value, Value], out: Quantities, positions: number): void {
  const { tape, config, parameter, batch, length } = made;
  const states = finalStates(made, ...streams);
  const width = 2 * config.hiddenSize;
  const all = linear(tape, states, parameter("qa_outputs.weight"), width, parameter("qa_outputs.bias"));
  const ends = [0, 1].map((end) => {
    const places = Array.from(
      { length: batch * positions },
      (_, i) => (Math.floor(i / positions) * length + (i % positions)) * 2 + end,
    );
    return gather(tape, all, places, 1);
  }) as [Value, Value];
  out.set("start_logits", ends[0].data).set("end_logits", ends[1].data);
  if (!hasLabels(c)) return;
  const targets = answerTargets(c, positions);
  let loss = 0;
  ends.forEach((logits, end) => {
    const own = targets.filter((_, i) => i % 2 === end);
    loss += crossEntropy(logits, own, positions) / 2;
    logits.grad.forEach((g, i) => {
      logits.grad[i] = g / 2;
    });
  });
  out.set("loss", Float64Array.of(loss));
}

function dropped({ tape, keep, config }: Setting, place: string, x: Value): Value {
  const mask = keep.get(place);
  const rate = config.classifierDropout ?? config.hiddenDropout;
  return mask
    ? scale(
        tape,
        x,
        Array.from(mask, (kept) => kept / (1 - rate)),
      )
    : x;
}
