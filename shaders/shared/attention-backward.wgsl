// What a pair of tokens adds to the gradients of attention, in all forms of chunk-attention-backward. Needs attention.wgsl
// and the including file's binding `rows`.

// Whose gradient is taken. The rows of the block are queries for DQ, else keys.
const DQ = 0u;
const DK = 1u;
const DV = 2u;

// What the rows of the block bring to a pair.
struct Own {
  tokens: vec4u,
  slots: vec4u,
  buckets: vec4u,
  m: vec4f,
  inverse: vec4f, // 1 / l
  delta: vec4f,
  scale: vec4f,
}

fn own_of(row: u32, slots: vec4u) -> Own {
  let tokens = tokens_at(row, slots);
  let at = at_tokens(row, tokens);
  let numbers = transpose(mat4x4f(rows[at.x], rows[at.y], rows[at.z], rows[at.w]));
  return Own(tokens, slots, buckets_of(row, slots, tokens), numbers[0], numbers[1], numbers[2], numbers[3]);
}

// Factors of a tile's row in the gradients of four rows of the block, given the scores and the gradients of the weights.
fn pair_weights(
  role: u32, row: u32, own: Own, tile_slot: u32, token: u32, column: u32, scores: vec4f, d_weights: vec4f,
) -> vec4f {
  let of_queries = role == DQ;
  let other = rows[row * params.length + token];
  let queries = select(vec4u(token), own.tokens, of_queries);
  let keys = select(own.tokens, vec4u(token), of_queries);
  let scale = select(own.scale, vec4f(other.w), of_queries);
  let same_bucket = own.buckets == vec4u(bucket_of(row, tile_slot, token));
  let replaced = replacements(queries, keys, scale > vec4f(), same_bucket);
  let logits = logits_of(row, scores * (scale * LOG2_E), replaced, queries, keys);
  let p = exp2(logits - select(vec4f(other.x), own.m, of_queries)) * select(vec4f(other.y), own.inverse, of_queries);

  let span = CHUNKS_BEFORE + CHUNKS_AFTER;
  var kept = own.slots * params.chunkLength * (1u + span) + keep_index(row, 0u, column);
  var query_slot = own.slots.x;
  if (!of_queries) {
    kept = own.slots % params.chunkLength +
           keep_index(row, tile_slot, (span - column / params.chunkLength) * params.chunkLength);
    query_slot = tile_slot;
  }
  let factors = weight_factors(pair_key(row, query_slot), queries, keys, kept);
  if (role == DV) { return p * factors; }
  let d_scores = p * (factors * d_weights - select(vec4f(other.z), own.delta, of_queries));
  return select(vec4f(), select(d_scores, d_scores * scale, of_queries), replaced == vec4f());
}
