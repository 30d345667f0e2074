// What a pair of tokens adds to both sides' gradients, in the forms of chunk-attention-backward that take all gradients at
// once. Needs attention.wgsl and attention-backward.wgsl.

fn four_slots(slot: u32) -> vec4u {
  return vec4u(slot) + vec4u(0u, 1u, 2u, 3u);
}

// Columns, of the window of queries that begins CHUNKS_AFTER chunks before the owner's, that meet keys here: all if the
// keys are the owner's, else the owner's queries.
fn queries_of(own_keys: bool) -> vec2u {
  if (own_keys) { return vec2u(0u, params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER)); }
  return vec2u(CHUNKS_AFTER, CHUNKS_AFTER + 1u) * params.chunkLength;
}

// What four queries and a key add to both sides' gradients; `dropout` is the queries' pair_key.
struct PairGradients {
  weights: vec4f,  // dv of the key: times dOut of the queries
  d_scores: vec4f, // dq of the queries: times the key; dk, before what its norm removes: times the queries
}

fn pair_gradients(
  row: u32, own: Own, dropout: vec2u, key_slot: u32, key: u32, column: u32, scores: vec4f, d_weights: vec4f,
) -> PairGradients {
  let keys = vec4u(key);
  let scale = rows[row * params.length + key].w;
  let same_bucket = own.buckets == vec4u(bucket_of(row, key_slot, key));
  let replaced = replacements(own.tokens, keys, vec4<bool>(scale > 0.0), same_bucket);
  let logits = logits_of(row, scores * (scale * LOG2_E), replaced, own.tokens, keys);
  let p = exp2(logits - own.m) * own.inverse;
  let kept = own.slots * params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER) + keep_index(row, 0u, column);
  let factors = weight_factors(dropout, own.tokens, keys, kept);
  let d_scores = p * (factors * d_weights - own.delta) * scale;
  return PairGradients(p * factors, select(vec4f(), d_scores, replaced == vec4f()));
}
