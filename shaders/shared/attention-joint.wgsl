// What a pair of tokens adds to both sides' gradients, in the forms of chunk-attention-backward that take all gradients at
// once. Needs attention.wgsl and attention-backward.wgsl.

fn four_slots(slot: u32) -> vec4u {
  return vec4u(slot) + vec4u(0u, 1u, 2u, 3u);
}

// Consecutive chunks of one round, the gradients of whose rows have one owner. Columns of keys are counted from
// CHUNKS_BEFORE chunks before the run on, columns of queries from CHUNKS_BEFORE + CHUNKS_AFTER before it on: then a chunk of
// keys is seen by the chunk of queries of its own number and by the next ones, as many as a window has.
struct Run {
  first: u32, // its first chunk, among those of all rounds
  chunks: u32,
}

fn run_of(at_chunk: u32) -> Run {
  let chunks = params.length / params.chunkLength;
  return Run(params.round * chunks + at_chunk, min(params.chunksOwned, chunks - at_chunk));
}

// Columns of the keys that the run's queries see; its own keys are among them.
fn key_columns(run: Run) -> u32 {
  return (CHUNKS_BEFORE + run.chunks + CHUNKS_AFTER) * params.chunkLength;
}

fn owns_key(run: Run, column: u32) -> bool {
  return column / params.chunkLength - CHUNKS_BEFORE < run.chunks; // modulo 2^32
}

fn owns_query(run: Run, column: u32) -> bool {
  return column / params.chunkLength - (CHUNKS_BEFORE + CHUNKS_AFTER) < run.chunks; // modulo 2^32
}

// Where the columns of the queries that meet a key here begin and end: of a key of the run all that see it, else the run's.
fn queries_of(run: Run, key_column: u32) -> vec2u {
  let span = CHUNKS_BEFORE + CHUNKS_AFTER;
  let chunk = key_column / params.chunkLength;
  let seeing = vec2u(chunk, chunk + span + 1u);
  let own = clamp(seeing, vec2u(span), vec2u(span + run.chunks));
  return select(own, seeing, owns_key(run, key_column)) * params.chunkLength;
}

// Column of a key in the window of a query.
fn window_column(key_column: u32, query_column: u32) -> u32 {
  let chunks = CHUNKS_BEFORE + CHUNKS_AFTER - query_column / params.chunkLength; // modulo 2^32
  return key_column + chunks * params.chunkLength;
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
