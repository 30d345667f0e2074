// Word plus position embedding into the first stream, and its backward pass.
import { type EmbeddingDims, embedding } from "../kernels/embedding.js";
import {
  embeddingBackwardJoins,
  embeddingBackwardRuns,
  runPartsShape,
} from "../kernels/embedding-backward.js";
import { positionEmbeddingBackward } from "../kernels/position-embedding-backward.js";
import { addTensors } from "../kernels/stream.js";
import { ALIGNMENT, areNeighbours, spanOf, type Tensor, view } from "../scheduler/recording.js";
import { recordBucketSort } from "./bucket-sort.js";
import { dropoutAt, type LayerContext } from "./context.js";
import { type Rows, ranges, slice } from "./rows.js";

export const WORD = "reformer.embeddings.word_embeddings.weight";

/** What is embedded: the only sequence or a source, or a target, which has tables of positions and dropout of its own. */
export type Embedded = "source" | "target";
const PARTS = {
  source: { positions: "reformer.embeddings.position_embeddings", word: "word", position: "position" },
  target: {
    positions: "reformer.embeddings.target_position_embeddings",
    word: "target.word",
    position: "target.position",
  },
} as const;

/** Names of the position tables. */
export function positionNames(config: LayerContext["config"], part: Embedded = "source"): readonly string[] {
  const { positions } = PARTS[part];
  return config.positions.type === "axial"
    ? config.positions.shape.map((_, axis) => `${positions}.weights.${axis}`)
    : [`${positions}.embedding.weight`];
}

/** The position tables as the tensor that they share. */
export function positionWeights({ config, weight }: LayerContext, part: Embedded = "source"): Tensor {
  const tables = positionNames(config, part).map(weight);
  tables.slice(1).forEach((table, i) => {
    if (areNeighbours(tables[i] as Tensor, table)) return;
    throw new Error(`internal: ${table.label} does not follow the table before`);
  });
  return spanOf(tables[0] as Tensor, tables.at(-1) as Tensor);
}

export function embeddingDims(
  context: LayerContext,
  start: number,
  count: number,
  part: Embedded = "source",
): EmbeddingDims {
  const { config, length, fixedPoint } = context;
  const { positions, hiddenSize: size, hiddenDropout, vocabSize: vocab } = config;
  const axial = positions.type === "axial";
  const word = dropoutAt(context, -1, PARTS[part].word, hiddenDropout).dims;
  return {
    tokens: count,
    length,
    rowOffset: start,
    padding: context.padding,
    positionOffset: context.positionOffset ?? 0,
    size,
    positions: positions.type,
    positionShape: axial ? positions.shape : [positions.maxLength],
    positionSizes: axial ? positions.dims : [size],
    align: ALIGNMENT / 4,
    dropout: word.dropout,
    dropoutRate: word.dropoutRate,
    vocab,
    fixedPoint,
    site: word.site,
    positionSite: dropoutAt(context, -1, PARTS[part].position, hiddenDropout).dims.site,
  };
}

/** x = dropout(word[id]) + dropout(position). */
export function embed(context: LayerContext, tokens: Tensor, x: Rows, part: Embedded = "source"): void {
  const { recording, weight, control } = context;
  for (const { start, count } of ranges([x])) {
    const dims = embeddingDims(context, start, count, part);
    recording.dispatch(embedding, dims, {
      ids: view(tokens, start, [count]),
      word: weight(WORD),
      positions: positionWeights(context, part),
      control: dims.dropout === 1 ? control : undefined,
      ...keepMasks(context, part),
      out: slice(x, start, count),
    });
  }
}

/** Given dropout masks. */
function keepMasks({ given }: LayerContext, part: Embedded) {
  const { word, position } = PARTS[part];
  return { keepWord: given.keep?.get(`-1.${word}`), keepPosition: given.keep?.get(`-1.${position}`) };
}

/** Adds the gradients of the word and position tables; leaves dx1 + dx2 in `gradients.x1`. */
export function embedBackward(
  context: LayerContext,
  tokens: Tensor,
  gradients: { readonly x1: Rows; readonly x2: Rows },
): void {
  const { recording, config } = context;
  recording.scope("embedding.backward", () => {
    for (const { start, count } of ranges([gradients.x1, gradients.x2])) {
      const out = slice(gradients.x1, start, count);
      const dims = { count: count * config.hiddenSize };
      recording.dispatch(addTensors, dims, { x: slice(gradients.x2, start, count), out });
    }
  });
  embeddingGradients(context, tokens, gradients.x1);
}

/** Adds the gradients of the word and position tables, from the gradient of what was embedded. */
export function embeddingGradients(
  context: LayerContext,
  tokens: Tensor,
  dx: Rows,
  part: Embedded = "source",
): void {
  const { recording, gradient, config, control } = context;
  const { keepWord, keepPosition } = keepMasks(context, part);
  recording.scope("embedding.backward", () => {
    for (const { start, count } of ranges([dx])) {
      const dStream = slice(dx, start, count);
      const all = embeddingDims(context, start, count, part);
      const drawn = { control: all.dropout === 1 ? control : undefined };
      const ids = view(tokens, start, [count]);
      const order = recordBucketSort(recording, { segments: 1, length: count, buckets: all.vocab }, ids);
      const { tokens: rows, rowOffset, size, vocab, dropout, dropoutRate, site } = all;
      const dims = { tokens: rows, rowOffset, size, vocab, dropout, dropoutRate, site };
      const parts = recording.tensor("run parts", runPartsShape(dims));
      const dWord = gradient(WORD);
      recording.dispatch(embeddingBackwardRuns, dims, {
        ids,
        order,
        dWord,
        dStream,
        keepWord,
        parts,
        ...drawn,
      });
      recording.dispatch(embeddingBackwardJoins, dims, { ids, order, dWord, partsIn: parts });
      positionNames(config, part).forEach((name, axis) => {
        recording.dispatch(
          positionEmbeddingBackward,
          { ...all, axis },
          { dStream, keepPosition, dPositions: gradient(name), ...drawn },
        );
      });
    }
  });
}
