// Where tokens stand, what a query may see and how work is shared out: one text for attention forward and backward.
// Needs threefry.wgsl, control.wgsl and dropout.wgsl. The including file declares `params` (batch, length, chunkLength,
// round, dropoutRate, site, firstHead), `dropoutSource` and `fn order_at(at) -> u32`, what stands in `order`.
//
// A slot is a place in the sorted sequence of all rounds, round after round; slots are cut into chunks, and the chunks
// form a ring. `row` counts (batch, head).
override ROWS: u32; // of a block, which one workgroup computes: a multiple of 4
override HEADS: u32;
override ALL_HEADS: u32; // of which these are HEADS, from params.firstHead on: dropout draws by them
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

// Logits are in base 2: the scale of a key takes this factor, so that a weight is a power of two.
const LOG2_E = 1.4426950408889634;

// Logits that replace the score of a forbidden pair. All finite: a row that sees nothing else weighs these evenly.
const FORBIDDEN_LOGIT = -1e9 * LOG2_E;
const OTHER_BUCKET_LOGIT = -1e7 * LOG2_E;
const SELF_LOGIT = -1e5 * LOG2_E;

struct Block {
  row: u32,
  chunk: u32,
  start: u32, // slots of the chunk that are the block's rows
  end: u32,
  outside: bool,
}

fn block_of(group: vec3u, groups: vec3u) -> Block {
  let length = params.chunkLength;
  let chunks = params.length / length;
  let parts = (length + ROWS - 1u) / ROWS;
  let at = group.x + group.y * groups.x;
  let start = at % parts * ROWS;
  return Block(group.z, params.round * chunks + at / parts, start, min(start + ROWS, length), at >= chunks * parts);
}

// Block number `at` where blocks are counted through all rows, chunk after chunk: for forms that give one to an invocation.
fn lone_block(at: u32) -> Block {
  let length = params.chunkLength;
  let chunks = params.length / length;
  let parts = (length + ROWS - 1u) / ROWS;
  let start = at % parts * ROWS;
  let chunk = at / parts % chunks;
  let row = at / (parts * chunks);
  return Block(row, params.round * chunks + chunk, start, min(start + ROWS, length), row >= params.batch * HEADS);
}

// Slots of four rows of the block from row i on; rows beyond its end repeat the last one.
fn slots_of(span: Block, i: u32) -> vec4u {
  let rows = vec4u(span.start + i) + vec4u(0u, 1u, 2u, 3u);
  return vec4u(span.chunk * params.chunkLength) + min(rows, vec4u(span.end - 1u));
}

// Slots of four columns, from `column` on, of the window that begins `before` chunks before `chunk`, around the ring.
// Columns beyond the window repeat the last one.
fn window_slots(chunk: u32, before: u32, column: u32) -> vec4u {
  let last = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER) - 1u;
  return vec4u(window_slot(chunk, before, min(column, last)), window_slot(chunk, before, min(column + 1u, last)),
               window_slot(chunk, before, min(column + 2u, last)), window_slot(chunk, before, min(column + 3u, last)));
}

fn window_slot(chunk: u32, before: u32, column: u32) -> u32 {
  let ring = ROUNDS * params.length / params.chunkLength;
  let at = (chunk + (ring - 1u) * before + column / params.chunkLength) % ring;
  return at * params.chunkLength + column % params.chunkLength;
}

fn token_at(row: u32, slot: u32) -> u32 {
  if (SORTED) { return order_at(row * ROUNDS * params.length + slot); }
  return slot;
}

fn tokens_at(row: u32, slots: vec4u) -> vec4u {
  return vec4u(token_at(row, slots.x), token_at(row, slots.y), token_at(row, slots.z), token_at(row, slots.w));
}

// Indices of tokens in [batch, heads, length].
fn at_tokens(row: u32, tokens: vec4u) -> vec4u {
  return vec4u(row * params.length) + tokens;
}

// Entry of a token in plane 1 or 2 of `order`: its chunk over all rounds, its bucket, distinct between rounds.
fn place_of(plane: u32, row: u32, round: u32, token: u32) -> u32 {
  return order_at(((plane * params.batch * HEADS + row) * ROUNDS + round) * params.length + token);
}

fn bucket_of(row: u32, slot: u32, token: u32) -> u32 {
  if (ACROSS_BUCKETS) { return 0u; }
  return place_of(2u, row, slot / params.length, token);
}

fn buckets_of(row: u32, slots: vec4u, tokens: vec4u) -> vec4u {
  return vec4u(bucket_of(row, slots.x, tokens.x), bucket_of(row, slots.y, tokens.y),
               bucket_of(row, slots.z, tokens.z), bucket_of(row, slots.w, tokens.w));
}

// How often `key` is a candidate of `query` over all rounds.
fn multiplicity(row: u32, query: u32, key: u32) -> u32 {
  var count = 0u;
  for (var round = 0u; round < ROUNDS; round++) {
    let home = place_of(1u, row, round, query);
    for (var step = 0u; step <= CHUNKS_BEFORE + CHUNKS_AFTER; step++) {
      let slot = window_slot(home, CHUNKS_BEFORE, step * params.chunkLength);
      let key_round = slot / params.length;
      let present = place_of(1u, row, key_round, key) == slot / params.chunkLength;
      let same = place_of(2u, row, round, query) == place_of(2u, row, key_round, key);
      count += select(0u, 1u, present && (ACROSS_BUCKETS || same));
    }
  }
  return count;
}

// What is subtracted from a logit so that copies of a key weigh as one.
fn copies_logit(row: u32, query: u32, key: u32) -> f32 {
  return log2(f32(max(1u, multiplicity(row, query, key))));
}

// Four pairs at a time: the logits that replace their scores, or 0 where the score stands.
fn replacements(queries: vec4u, keys: vec4u, seen: vec4<bool>, same_bucket: vec4<bool>) -> vec4f {
  var logits = vec4f();
  if (!ACROSS_BUCKETS) { logits = select(vec4f(OTHER_BUCKET_LOGIT), logits, same_bucket); }
  if (CAUSAL) { logits = select(logits, vec4f(FORBIDDEN_LOGIT), keys > queries); }
  if (MASKED) { logits = select(vec4f(FORBIDDEN_LOGIT), logits, seen); }
  if (SHARED_KEYS) { logits = select(logits, vec4f(SELF_LOGIT), keys == queries); }
  return logits;
}

fn logits_of(row: u32, scores: vec4f, replaced: vec4f, queries: vec4u, keys: vec4u) -> vec4f {
  let logits = select(replaced, scores, replaced == vec4f());
  if (!COUNT_ONCE) { return logits; }
  return logits - vec4f(copies_logit(row, queries.x, keys.x), copies_logit(row, queries.y, keys.y),
                        copies_logit(row, queries.z, keys.z), copies_logit(row, queries.w, keys.w));
}

// Whether causality forbids all pairs of `count` keys from slot `key` on with queries before `query_end`. Rows that may
// see no key at all weigh forbidden keys evenly: where there can be such rows, none are left out.
fn all_forbidden(key: u32, count: u32, query_end: u32) -> bool {
  return CAUSAL && !SORTED && (SHARED_KEYS || !MASKED) && key + count <= params.length && key >= query_end;
}

// Row of (batch, head) among all heads.
fn row_of_all(row: u32) -> u32 {
  return row / HEADS * ALL_HEADS + params.firstHead + row % HEADS;
}

// Key of the dropout generator for one head and the round of a slot.
fn pair_key(row: u32, query_slot: u32) -> vec2u {
  if (DROPOUT != DROPOUT_SEEDED) { return vec2u(); }
  let seed = vec2u(dropoutSource[CONTROL_SEED], dropoutSource[CONTROL_SEED + 1u]);
  let key = dropout_key(seed, dropoutSource[CONTROL_DRAW], params.site);
  return threefry2x32(key, vec2u(row_of_all(row), query_slot / params.length));
}

// Index in a recorded keep mask [rows of all heads, chunks, query slot in chunk, window column].
fn keep_index(row: u32, query_slot: u32, column: u32) -> u32 {
  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  return (row_of_all(row) * ROUNDS * params.length + query_slot) * window + column;
}

// What dropout multiplies the weights of four pairs with.
fn weight_factors(key: vec2u, queries: vec4u, keys: vec4u, kept: vec4u) -> vec4f {
  var factors = vec4f(1.0);
  if (DROPOUT == DROPOUT_NONE) { return factors; }
  for (var i = 0u; i < 4u; i++) {
    if (DROPOUT == DROPOUT_SEEDED) {
      factors[i] = dropout_factor(key, queries[i], keys[i], params.dropoutRate);
    } else {
      factors[i] = f32(dropoutSource[kept[i]]) / (1.0 - params.dropoutRate);
    }
  }
  return factors;
}
