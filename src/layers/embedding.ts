// Word plus position embedding into the first stream, and its backward pass.
import { type EmbeddingDims, embedding } from "../kernels/embedding.js";
import { view, type Tensor } from "../scheduler/recording.js";
import { dropoutAt, type LayerContext } from "./context.js";
import { ranges, type Rows, slice } from "./rows.js";

export const WORD = "reformer.embeddings.word_embeddings.weight";
export const POSITIONS = "reformer.embeddings.position_embeddings";

/** Names of the position tables. */
export function positionNames(config: LayerContext["config"]): readonly string[] {
  return config.positions.type === "axial"
    ? [`${POSITIONS}.weights.0`, `${POSITIONS}.weights.1`]
    : [`${POSITIONS}.embedding.weight`];
}

export function embeddingDims(context: LayerContext, start: number, count: number): EmbeddingDims {
  const { config, length, fixedPoint } = context;
  const { positions, hiddenSize: size, hiddenDropout, vocabSize: vocab } = config;
  const axial = positions.type === "axial";
  const word = dropoutAt(context, -1, "word", hiddenDropout).dims;
  return {
    tokens: count,
    length,
    rowOffset: start,
    positionOffset: 0,
    size,
    positions: positions.type,
    positionShape: axial ? positions.shape : [positions.maxLength, 1],
    positionSizes: axial ? positions.dims : [size, 0],
    dropout: word.dropout,
    dropoutRate: word.dropoutRate,
    vocab,
    fixedPoint,
    site: word.site,
    positionSite: dropoutAt(context, -1, "position", hiddenDropout).dims.site,
  };
}

/** x = dropout(word[id]) + dropout(position). */
export function embed(context: LayerContext, tokens: Tensor, x: Rows): void {
  const { recording, weight, config, given, control } = context;
  const [pos0, pos1] = positionNames(config).map(weight);
  for (const { start, count } of ranges([x])) {
    const dims = embeddingDims(context, start, count);
    recording.dispatch(embedding, dims, {
      ids: view(tokens, start, [count]),
      word: weight(WORD),
      pos0,
      pos1,
      control: dims.dropout === 1 ? control : undefined,
      keepWord: given.keep?.get("-1.word"),
      keepPosition: given.keep?.get("-1.position"),
      out: slice(x, start, count),
    });
  }
}
