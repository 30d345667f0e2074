/** [3, segments·rounds, length]: token at each slot; chunk of each token over all rounds; bucket likewise. */
export function chunkPlaces(
  dims: {
    readonly batch: number;
    readonly heads: number;
    readonly length: number;
    readonly rounds: number;
    readonly chunkLength: number;
    readonly buckets: number;
  },
  order: ArrayLike<number>,
  bucketIds: ArrayLike<number>,
): Uint32Array {
  const { batch, heads, length, rounds, chunkLength, buckets } = dims;
  const plane = batch * heads * rounds * length;
  const places = new Uint32Array(3 * plane);
  for (let row = 0; row < batch * heads; row++) {
    for (let round = 0; round < rounds; round++) {
      const start = (row * rounds + round) * length;
      for (let slot = 0; slot < length; slot++) {
        const token = order[start + slot] as number;
        places[start + slot] = token;
        places[plane + start + token] = round * (length / chunkLength) + Math.floor(slot / chunkLength);
        places[2 * plane + start + token] = round * buckets + (bucketIds[start + token] as number);
      }
    }
  }
  return places;
}
