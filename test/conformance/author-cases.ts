// The model that the Reformer's authors trained to copy, with what their code gave: a folder of its own form, read as
// cases of a language model. Formulas and names: the README in that folder.
import type { ReformerConfig } from "../../src/config/config.js";
import { configFromHuggingFace } from "../../src/config/hugging-face.js";
import type { Case, RecordedTensor, Tolerance } from "./case.js";

/** Recorded in f64, stored as f32; an independent f32 run was this far from it. Ten times that, as elsewhere. */
const MARGIN = 10;
const GRADIENTS = "grad";

interface CaseInfo {
  readonly chunk_len?: number | null;
  readonly max_abs_diff_independent_f32?: number;
}

/** Cases by name: a forward pass at each recorded length, and one with gradients. */
export function authorCaseNames(info: Readonly<Record<string, CaseInfo>>): string[] {
  return [...Object.keys(info).filter((name) => info[name]?.max_abs_diff_independent_f32), GRADIENTS];
}

/** One of them, with the tensors of cases.safetensors and of the model in the Hugging Face layout. */
export function authorCase(
  name: string,
  info: Readonly<Record<string, CaseInfo>>,
  settings: unknown,
  recorded: ReadonlyMap<string, RecordedTensor>,
  weights: ReadonlyMap<string, RecordedTensor>,
): Case {
  const of = (key: string): RecordedTensor => {
    const found = recorded.get(`${name}.${key}`);
    if (!found) throw new Error(`cases.safetensors has no ${name}.${key}`);
    return found;
  };
  const { shape, data: ids } = of("tokens");
  const [batch = 0, length = 0] = shape;
  const trains = name === GRADIENTS;
  // The model reads a start token and predicts every token of the text; the public model shifts labels itself.
  const columns = trains ? length + 1 : length;
  const shifted = Int32Array.from({ length: batch * columns }, (_, i) => {
    const t = i % columns;
    return t === 0 ? 0 : (ids[Math.floor(i / columns) * length + t - 1] as number);
  });
  const tensors = new Map<string, RecordedTensor>([
    ["input/input_ids", { shape: [batch, columns], data: shifted }],
    ...[...weights].map(([key, tensor]): [string, RecordedTensor] => [`weight/${key}`, tensor]),
  ]);
  const tolerances: Record<string, Tolerance> = {};
  const expect = (key: string, tensor: RecordedTensor, noise: number) => {
    tensors.set(`expect/${key}`, tensor);
    tolerances[`expect/${key}`] = { atol: MARGIN * noise, rtol: 1e-5 };
  };
  if (trains) {
    const counts = of("loss_weights").data;
    const labels = Int32Array.from(shifted, (id, i) => {
      const t = i % columns;
      return t > 0 && (counts[Math.floor(i / columns) * length + t - 1] as number) > 0 ? id : -100;
    });
    tensors.set("input/labels", { shape: [batch, columns], data: labels });
    // As far from f64, relative to the largest value, as the forward passes are.
    const noise = Math.max(
      ...Object.entries(info).map(([key, { max_abs_diff_independent_f32: most }]) =>
        most === undefined ? 0 : most / largest(recorded.get(`${key}.logits`) as RecordedTensor),
      ),
    );
    const loss = of("loss");
    expect("loss", loss, noise * largest(loss));
    for (const [key, tensor] of recorded) {
      const [, theirs] = key.split(`${GRADIENTS}.d.`);
      const ours = theirs === undefined ? undefined : publicForm(theirs, tensor);
      if (ours) expect(`grad/${ours[0]}`, ours[1], noise * largest(ours[1]));
    }
  } else {
    expect("logits", of("logits"), info[name]?.max_abs_diff_independent_f32 ?? 0);
  }
  const chunk = info[name]?.chunk_len ?? undefined;
  const config: ReformerConfig = configFromHuggingFace({
    ...(settings as object),
    ...(chunk === undefined ? {} : { local_attn_chunk_length: chunk }),
  });
  const call = { batch_size: batch, sequence_length: columns, mode: trains ? "train" : "eval" };
  return { name, kind: "lm", config, call, details: {}, tensors, tolerances };
}

function largest({ data }: RecordedTensor): number {
  return Math.max(...Array.from(data, Math.abs));
}

const PARTS: Readonly<Record<string, string>> = {
  "embedding.weight": "reformer.embeddings.word_embeddings.weight",
  "final_norm.scale": "reformer.encoder.layer_norm.weight",
  "final_norm.bias": "reformer.encoder.layer_norm.bias",
  "output.weight": "lm_head.decoder.weight",
  "output.bias": "lm_head.bias",
  "attn.norm.scale": "attention.layer_norm.weight",
  "attn.norm.bias": "attention.layer_norm.bias",
  "attn.w_q": "attention.self_attention.query.weight",
  "attn.w_k": "attention.self_attention.key.weight",
  "attn.w_v": "attention.self_attention.value.weight",
  "attn.w_o": "attention.output.dense.weight",
  "ff.norm.scale": "feed_forward.layer_norm.weight",
  "ff.norm.bias": "feed_forward.layer_norm.bias",
  "ff.dense1.weight": "feed_forward.dense.dense.weight",
  "ff.dense1.bias": "feed_forward.dense.dense.bias",
  "ff.dense2.weight": "feed_forward.output.dense.weight",
  "ff.dense2.bias": "feed_forward.output.dense.bias",
};
/** Matrices that the authors store as [in, out]; w_o is [head, in, out], one matrix of head·in rows. */
const TURNED = /^(output\.weight|ff\.dense[12]\.weight|attn\.w_o)$/;

/** The authors' parameter under its public name and in its public shape; undefined for positions, recorded as a sum. */
function publicForm(theirs: string, tensor: RecordedTensor): [string, RecordedTensor] | undefined {
  const [, layer, part = theirs] = /^layers\.(\d+)\.(.*)$/.exec(theirs) ?? [];
  const name = PARTS[part];
  if (name === undefined) return undefined;
  const full = layer === undefined ? name : `reformer.encoder.layers.${layer}.${name}`;
  if (TURNED.test(part)) return [full, turned(tensor, 1)];
  return [full, /^attn\.w_[qkv]$/.test(part) ? turned(tensor, tensor.shape[0] ?? 1) : tensor];
}

/** Transposes each of `blocks` matrices that lie one after another. */
function turned({ shape, data }: RecordedTensor, blocks: number): RecordedTensor {
  const columns = shape.at(-1) ?? 1;
  const rows = data.length / blocks / columns;
  const out = Float32Array.from(data, (_, i) => {
    const block = Math.floor(i / (rows * columns));
    const place = i % (rows * columns);
    return data[block * rows * columns + (place % rows) * columns + Math.floor(place / rows)] as number;
  });
  return { shape: [blocks * columns, rows], data: out };
}
