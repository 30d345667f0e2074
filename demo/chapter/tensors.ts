/** The weights of a model of `modelOf`, by the library's names: what a configuration alone says, without a GPU. */
import type { ReformerOptions } from "../runtime.js";

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The library looks up positions in two tables, rows and columns of a grid; its default is as square as can be. */
function grid(maxLength: number): readonly [rows: number, columns: number] {
  const rows = 2 ** Math.floor(Math.log2(maxLength) / 2);
  return [rows, maxLength / rows];
}

export function tensorsOf(config: ReformerOptions): readonly NamedShape[] {
  const { vocabSize = 0, hiddenSize: width = 0, numHeads = 1, headSize = width, maxLength = 0 } = config;
  const { feedForwardSize: inner = 0, layers = [] } = config;
  const [rows, columns] = grid(maxLength);
  const slow = 4 * Math.floor(width / 16); // a quarter of the width for the rows of the grid
  const norm = (name: string, size: number): NamedShape[] => [
    { name: `${name}.weight`, shape: [size] },
    { name: `${name}.bias`, shape: [size] },
  ];
  const layer = (kind: (typeof layers)[number], i: number): NamedShape[] => {
    const [attention, feedForward] = [
      `reformer.encoder.layers.${i}.attention`,
      `reformer.encoder.layers.${i}.feed_forward`,
    ];
    const projections = kind === "lsh" ? ["query_key", "value"] : ["query", "key", "value"];
    return [
      ...norm(`${attention}.layer_norm`, width),
      ...projections.map((name) => ({
        name: `${attention}.self_attention.${name}.weight`,
        shape: [numHeads * headSize, width],
      })),
      { name: `${attention}.output.dense.weight`, shape: [width, numHeads * headSize] },
      ...norm(`${feedForward}.layer_norm`, width),
      { name: `${feedForward}.dense.dense.weight`, shape: [inner, width] },
      { name: `${feedForward}.dense.dense.bias`, shape: [inner] },
      { name: `${feedForward}.output.dense.weight`, shape: [width, inner] },
      { name: `${feedForward}.output.dense.bias`, shape: [width] },
    ];
  };
  const positions = "reformer.embeddings.position_embeddings.weights";
  return [
    { name: "reformer.embeddings.word_embeddings.weight", shape: [vocabSize, width] },
    { name: `${positions}.0`, shape: [rows, 1, slow] },
    { name: `${positions}.1`, shape: [1, columns, width - slow] },
    ...layers.flatMap(layer),
    ...norm("reformer.encoder.layer_norm", 2 * width),
    { name: "lm_head.decoder.weight", shape: [vocabSize, 2 * width] },
    { name: "lm_head.bias", shape: [vocabSize] },
  ];
}
