// Where tokens stand, what a query may see and what it weighs: one text for attention forward and backward.
// Needs threefry.wgsl and dropout.wgsl; the including file declares `params` (length, chunkLength, batch, dropoutRate,
// site), `order` and `dropoutSource`, and TypeScript prepends `const MAX_VECS` and `const TILE`.
//
// A slot is a place in the sorted sequence of all rounds, round after round; slots are cut into chunks, and the chunks
// form a ring. `row` counts (batch, head).
override HEADS: u32;
override HEAD_VECS: u32; // head size / 4
override ROUNDS: u32;
override CHUNKS_BEFORE: u32;
override CHUNKS_AFTER: u32;
override CAUSAL: bool;
override SHARED_KEYS: bool; // keys are normalised queries; a token sees itself only where it sees nothing else
override SORTED: bool; // tokens stand in bucket order, else in sequence order
override MASKED: bool;
override COUNT_ONCE: bool; // a key that a query meets N times weighs 1/N each time
override ACROSS_BUCKETS: bool;
override DROPOUT: u32;

// Logits that replace the score of a forbidden pair. All finite: a row that sees nothing else weighs these evenly.
const FORBIDDEN_LOGIT = -1e9;
const OTHER_BUCKET_LOGIT = -1e7;
const SELF_LOGIT = -1e5;
const ABSENT_LOGIT = -1e30; // of no key at all: weight 0 beside any other
const NORM_EPSILON = 1e-6; // beside the mean square of a shared key

fn all_chunks() -> u32 {
  return ROUNDS * params.length / params.chunkLength;
}

// The chunk `steps` after the first of a window that begins `before` chunks before `chunk`, around the ring.
fn window_chunk(chunk: u32, before: u32, steps: u32) -> u32 {
  let ring = all_chunks();
  return (chunk + (ring - 1u) * before + steps) % ring;
}

fn token_at(row: u32, slot: u32) -> u32 {
  if (SORTED) { return order[row * ROUNDS * params.length + slot]; }
  return slot;
}

// Bucket of a token in a round, distinct between rounds. Plane 2 of `order`.
fn bucket_of(row: u32, round: u32, token: u32) -> u32 {
  let rows = params.batch * HEADS;
  return order[((2u * rows + row) * ROUNDS + round) * params.length + token];
}

// Chunk of a token in a round, counted over all rounds. Plane 1 of `order`.
fn chunk_of(row: u32, round: u32, token: u32) -> u32 {
  let rows = params.batch * HEADS;
  return order[((rows + row) * ROUNDS + round) * params.length + token];
}

// How often `key` is a candidate of `query` over all rounds.
fn multiplicity(row: u32, query: u32, key: u32) -> u32 {
  let chunks = params.length / params.chunkLength;
  var count = 0u;
  for (var round = 0u; round < ROUNDS; round++) {
    let home = chunk_of(row, round, query);
    for (var step = 0u; step <= CHUNKS_BEFORE + CHUNKS_AFTER; step++) {
      let chunk = window_chunk(home, CHUNKS_BEFORE, step);
      let key_round = chunk / chunks;
      let present = chunk_of(row, key_round, key) == chunk;
      let reachable = ACROSS_BUCKETS || bucket_of(row, round, query) == bucket_of(row, key_round, key);
      count += select(0u, 1u, present && reachable);
    }
  }
  return count;
}

// The logit that replaces the score of (query, key), or 0 where the score stands.
fn replacement(query: u32, key: u32, key_kept: bool, same_bucket: bool) -> f32 {
  if (SHARED_KEYS && query == key) { return SELF_LOGIT; }
  if ((MASKED && !key_kept) || (CAUSAL && key > query)) { return FORBIDDEN_LOGIT; }
  if (!ACROSS_BUCKETS && !same_bucket) { return OTHER_BUCKET_LOGIT; }
  return 0.0;
}

// What is subtracted from a logit so that copies of a key weigh as one.
fn copies_logit(row: u32, query: u32, key: u32) -> f32 {
  if (COUNT_ONCE) { return log(f32(max(1u, multiplicity(row, query, key)))); }
  return 0.0;
}

// Tokens of a tile of `count` slots from `first` on all lie beyond one token, known without reading an order.
fn tokens_known(first: u32, count: u32) -> bool {
  // Rows that may see no key at all weigh forbidden keys evenly: then none may be left out.
  return CAUSAL && !SORTED && (SHARED_KEYS || !MASKED) && first + count <= params.length;
}

// Key of the dropout generator for one head and round.
fn pair_key(row: u32, round: u32) -> vec2u {
  if (DROPOUT != DROPOUT_SEEDED) { return vec2u(); }
  let seed = vec2u(dropoutSource[CONTROL_SEED], dropoutSource[CONTROL_SEED + 1u]);
  return threefry2x32(dropout_key(seed, dropoutSource[CONTROL_DRAW], params.site), vec2u(row, round));
}

// Index in a recorded keep mask [rows, chunks, query slot in chunk, window column] of a query's first column.
fn keep_row(row: u32, query_slot: u32) -> u32 {
  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  return (row * ROUNDS * params.length + query_slot) * window;
}

// What dropout multiplies the weight of (query, key) with.
fn weight_factor(key: vec2u, query_token: u32, key_token: u32, keep_index: u32) -> f32 {
  if (DROPOUT == DROPOUT_SEEDED) { return dropout_factor(key, query_token, key_token, params.dropoutRate); }
  if (DROPOUT == DROPOUT_GIVEN) { return f32(dropoutSource[keep_index]) / (1.0 - params.dropoutRate); }
  return 1.0;
}
