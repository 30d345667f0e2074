// What a recorded case gives in f64: the same quantities under the same names, outputs and gradients.
import { fillToken, type LayerKind } from "../../../src/config/config.js";
import {
  type CallShape,
  type Case,
  callShape,
  keepMasks,
  optimizerCall,
  padRows,
  parametersOf,
  recordedHashes,
  stepTokens,
  tensorOf,
} from "../case.js";
import { attend } from "./attention.js";
import {
  embedding,
  errors,
  feedForwardBlock,
  finalStates,
  reversibleLayer,
  type Setting,
  selfAttention,
} from "./blocks.js";
import { add, crossEntropy, linear, type Numbers, Tape, Value } from "./tape.js";

export interface ReferenceOptions {
  /** Rounds every log-sum-exp to f32, as the recorded f32 runs do. */
  readonly roundLogSumExp: boolean;
  /** Error of one number written to a residual stream; exact where absent. */
  readonly streamError?: (() => number) | undefined;
}

/** Quantities by the name the case records them under, without `expect/`. */
export type Quantities = Map<string, Float64Array>;

type Parameters = ReadonlyMap<string, { readonly own: string; readonly value: Value }>;

function parameterValues(c: Case): Parameters {
  return new Map(
    [...parametersOf(c)].map(([name, { data, own }]) => [name, { own, value: new Value(data) }]),
  );
}

export function setting(
  c: Case,
  shape: CallShape,
  options: ReferenceOptions,
  values: Parameters = parameterValues(c),
  step = 0,
) {
  const made: Setting = {
    tape: new Tape(),
    config: c.config,
    batch: shape.batch,
    length: shape.padded,
    keyMask: shape.keyMask,
    parameter: (name) => {
      const found = values.get(name);
      if (!found) throw new Error(`${c.name} has no parameter ${name}`);
      return found.value;
    },
    buckets: new Map([...recordedHashes(c, shape, step)].map(([layer, hash]) => [layer, hash.buckets])),
    keep: keepMasks(c),
    ...options,
  };
  const gradients = (): [string, Float64Array][] =>
    [...values.values()].map(({ own, value }) => [`grad/${own}`, value.grad]);
  return { made, gradients };
}

export function attention(c: Case, options: ReferenceOptions): Quantities {
  const { made, gradients } = setting(c, callShape(c), options);
  const x = new Value(tensorOf(c, "input/hidden_states").data);
  const out = selfAttention(made, 0, c.config.layers[0] as LayerKind, x);
  out.grad.set(tensorOf(c, "input/grad_output").data);
  made.tape.backward();
  return new Map([["output", out.data], ["grad_hidden_states", x.grad], ...gradients()]);
}

// These were recorded in f64: no log-sum-exp was rounded.
export function paper(c: Case): Quantities {
  const { config } = c;
  const shape = callShape(c);
  const tape = new Tape();
  const qk = new Value(tensorOf(c, "qk").data);
  const v = new Value(tensorOf(c, "v").data);
  const rules = {
    batch: 1,
    heads: 1,
    headSize: config.headSize,
    length: shape.length,
    rounds: config.numHashes,
    chunkLength: config.lshChunkLength,
    chunksBefore: config.lshChunksBefore,
    chunksAfter: config.lshChunksAfter,
    causal: config.causal,
    shared: true,
    buckets: recordedHashes(c, shape).get(0)?.buckets,
    duplicates: config.duplicates,
    acrossBuckets: config.acrossBuckets,
    dropoutRate: 0,
    roundLogSumExp: false,
  };
  const out = attend(tape, rules, qk, undefined, v);
  out.grad.set(tensorOf(c, "cotangent").data);
  tape.backward();
  return new Map([
    ["out", out.data],
    ["d_qk", qk.grad],
    ["d_v", v.grad],
  ]);
}

export function feedForward(c: Case, options: ReferenceOptions): Quantities {
  const { made, gradients } = setting(c, callShape(c), options);
  const data = Float64Array.from(tensorOf(c, "input/hidden_states").data);
  const x = new Value(data.map((value) => value + (options.streamError?.() ?? 0)));
  // The block writes to a stream of zeros.
  const zero = new Value(new Float64Array(x.data.length));
  const out = add(made.tape, zero, feedForwardBlock(made, 0, x), errors(made, x.data.length));
  out.grad.set(tensorOf(c, "input/grad_output").data);
  made.tape.backward();
  return new Map([["output", out.data], ["grad_hidden_states", x.grad], ...gradients()]);
}

export function embeddings(c: Case, options: ReferenceOptions): Quantities {
  const { made, gradients } = setting(c, callShape(c), options);
  const first = Number(c.call.start_idx_pos_encodings ?? 0);
  const out = embedding(made, tensorOf(c, "input/input_ids").data, first);
  out.grad.set(tensorOf(c, "input/grad_output").data);
  made.tape.backward();
  return new Map([["output", out.data], ...gradients()]);
}

export function reversible(c: Case, options: ReferenceOptions): Quantities {
  const { made, gradients } = setting(c, callShape(c), options);
  const stream = (name: string) => {
    const data = Float64Array.from(tensorOf(c, name).data);
    return new Value(data.map((value) => value + (options.streamError?.() ?? 0)));
  };
  const x1 = stream("input/x1_prev_attn_output");
  const x2 = stream("input/x2_hidden_states");
  const [y1, y2] = reversibleLayer(made, 0, c.config.layers[0] as LayerKind, x1, x2);
  y1.grad.set(tensorOf(c, "input/grad_y1").data);
  y2.grad.set(tensorOf(c, "input/grad_y2").data);
  made.tape.backward();
  return new Map([
    ["y1_attn_output", y1.data],
    ["y2_hidden_states", y2.data],
    ["recon_x1", x1.data],
    ["recon_x2", x2.data],
    ["grad_x1", x1.grad],
    ["grad_x2", x2.grad],
    ...gradients(),
  ]);
}

/** Labels as recorded; without any, no row counts. */
export function labelsOf({ tensors }: Case, { batch, length }: CallShape): Numbers {
  return tensors.get("input/labels")?.data ?? new Int32Array(batch * length).fill(-100);
}

/** Target of every row: the next token's label, or the row's own in a masked language model. */
export function targetsOf(c: Case, labels: Numbers, shape: CallShape): Int32Array<ArrayBuffer> {
  const padded = padRows(labels, shape, -100);
  if (c.kind === "mlm") return padded;
  return padded.map((_, i) => ((i + 1) % shape.padded === 0 ? -100 : (padded[i + 1] as number)));
}

export function languageModel(c: Case, options: ReferenceOptions): Quantities {
  const shape = callShape(c, true);
  const { made, gradients } = setting(c, shape, options);
  const ids = padRows(tensorOf(c, "input/input_ids").data, shape, fillToken(c.config));
  const out = lossOf(made, ids, targetsOf(c, labelsOf(c, shape), shape));
  out.set("logits", realRows(out.get("logits") as Float64Array, shape, c.config.vocabSize));
  for (const [name, gradient] of gradients()) out.set(name, gradient);
  return out;
}

/** The body of the model: both streams after every layer, as quantities and at the end. */
export function bodyOf(made: Setting, ids: Numbers): { streams: [Value, Value]; out: Quantities } {
  const x = embedding(made, ids, 0);
  let streams: [Value, Value] = [x, x];
  const out: Quantities = new Map();
  made.config.layers.forEach((kind, layer) => {
    streams = reversibleLayer(made, layer, kind, ...streams);
    out.set(`layer/${layer}/attn_output`, streams[0].data);
    out.set(`layer/${layer}/hidden_states`, streams[1].data);
  });
  return { streams, out };
}

/** Forward and backward of the whole model: streams after every layer, logits and loss. */
function lossOf(made: Setting, ids: Numbers, targets: Numbers): Quantities {
  const { config, tape, parameter } = made;
  const { streams, out } = bodyOf(made, ids);
  const states = finalStates(made, ...streams);
  const head = parameter("lm_head.decoder.weight");
  const logits = linear(tape, states, head, 2 * config.hiddenSize, parameter("lm_head.bias"));
  const loss = crossEntropy(logits, targets, config.vocabSize);
  tape.backward();
  return out.set("logits", logits.data).set("loss", Float64Array.of(loss));
}

/** AdamW with decoupled weight decay, after clipping by the global norm (Loshchilov and Hutter 2019). */
export function optimize(c: Case, options: ReferenceOptions): Quantities {
  const shape = callShape(c);
  const { steps, betas, eps, weightDecay, clipNorm, decaysAll } = optimizerCall(c);
  const [beta1, beta2] = betas;
  const values = parameterValues(c);
  const all = [...parametersOf(c)].map(([name, { own, shape }]) => {
    const value = (values.get(name) as { value: Value }).value;
    return { own, value, decays: decaysAll || shape.length > 1 }; // norms and biases are vectors
  });
  const moments = all.map(({ value }) => new Float64Array(value.data.length));
  const variances = all.map(({ value }) => new Float64Array(value.data.length));
  const losses = new Float64Array(steps);
  const norms = new Float64Array(steps);
  const out: Quantities = new Map();
  for (let step = 0; step < steps; step++) {
    for (const { value } of all) value.grad.fill(0);
    const ids = stepTokens(c, shape, step);
    const { made } = setting(c, shape, options, values, step);
    losses[step] = lossOf(made, ids, targetsOf(c, ids, shape)).get("loss")?.[0] as number;
    const norm = Math.sqrt(
      all.reduce((sum, { value }) => value.grad.reduce((squares, g) => squares + g * g, sum), 0),
    );
    norms[step] = norm;
    const clip = clipNorm > 0 ? Math.min(1, clipNorm / (norm + 1e-6)) : 1;
    const rate = tensorOf(c, "input/learning_rate").data[step] as number;
    all.forEach(({ value, decays }, i) => {
      value.data.forEach((x, j) => {
        const g = clip * (value.grad[j] as number);
        const m = beta1 * (moments[i]?.[j] as number) + (1 - beta1) * g;
        const v = beta2 * (variances[i]?.[j] as number) + (1 - beta2) * g * g;
        (moments[i] as Float64Array)[j] = m;
        (variances[i] as Float64Array)[j] = v;
        const root = Math.sqrt(v / (1 - beta2 ** (step + 1))) + eps;
        value.data[j] =
          x * (1 - rate * (decays ? weightDecay : 0)) - (rate * m) / (1 - beta1 ** (step + 1)) / root;
      });
    });
    const when = step === 0 ? "after_step_1" : "final";
    for (const { own, value } of all) out.set(`${when}/${own}`, value.data.slice());
  }
  return out.set("loss", losses).set("grad_norm", norms);
}

/** The rows of a [batch, padded, width] array that are not padding. */
export function realRows<T extends Float64Array | Float32Array>(
  data: T,
  { batch, length, padded }: CallShape,
  width: number,
): T {
  const rows = data.slice(0, batch * length * width) as T;
  for (let row = 0; row < batch; row++) {
    rows.set(data.subarray(row * padded * width, (row * padded + length) * width), row * length * width);
  }
  return rows;
}
