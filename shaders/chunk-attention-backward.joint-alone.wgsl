// chunk-attention-backward, all gradients in one pass, form without barriers for adapters that are CPUs: an invocation
// takes a run of chunks alone.
//
//   Grid     one invocation per run of the round, in a line of workgroups of WG
//   Method   blocks of 8 keys and of 8 queries; `dq` and `dkv` are the running sums
// The rest of the specification is in chunk-attention-backward.joint.wgsl.
struct Params {
  batch: u32,
  length: u32,
  chunkLength: u32,
  headSize: u32, // D: software drivers would unroll loops bounded by HEAD_VECS, and compile for seconds
  round: u32,
  dropoutRate: f32,
  site: u32,
  firstHead: u32,
  accumulate: u32,
  chunksOwned: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<Word>;
@group(0) @binding(2) var<storage, read>       keys:          array<u32>;
@group(0) @binding(3) var<storage, read>       v:             array<Word>;
@group(0) @binding(4) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(5) var<storage, read>       dOut:          array<f32>;
@group(0) @binding(6) var<storage, read>       rows:          array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dq:            array<f32>;
@group(0) @binding(8) var<storage, read_write> dkv:           array<f32>;

fn order_at(at: u32) -> u32 {
  return keys[at];
}

fn query_number(at: u32) -> f32 {
  return number_of(q[word_index(at)], at);
}
fn query_numbers(at: vec4u) -> vec4f {
  return vec4f(query_number(at.x), query_number(at.y), query_number(at.z), query_number(at.w));
}
fn key_number(at: u32) -> f32 {
  if (SHARED_KEYS) { return query_number(at); }
  return number_of(bitcast<Word>(keys[word_index(at)]), at);
}
fn value_number(at: u32) -> f32 {
  return number_of(v[word_index(at)], at);
}

fn own_number(role: u32, side: u32, at: u32) -> f32 {
  if (side == SCORED) { return query_number(at); }
  return dOut[at];
}
fn tile_number(role: u32, side: u32, at: u32) -> f32 {
  if (role == DQ) {
    if (side == SCORED) { return key_number(at); }
    return value_number(at);
  }
  if (side == SCORED) { return query_number(at); }
  return dOut[at];
}

fn plane_at(role: u32, at: u32) -> u32 {
  if (SHARED_KEYS || role == DK) { return at; }
  return at + params.batch * HEADS * params.length * params.headSize;
}
fn result_at(role: u32, at: u32) -> f32 {
  if (role == DQ || (role == DK && SHARED_KEYS)) { return dq[at]; }
  return dkv[plane_at(role, at)];
}
fn put_result(role: u32, at: u32, value: f32) {
  if (role == DQ || (role == DK && SHARED_KEYS)) { dq[at] = value; } else { dkv[plane_at(role, at)] = value; }
}

// Weights [key][query] as [query][key], in the layout of `products`: halves of the block of queries, or of keys, apart.
fn transposed(w: array<vec4f, 16>) -> array<vec4f, 16> {
  let a = transpose(mat4x4f(w[0], w[1], w[2], w[3]));
  let b = transpose(mat4x4f(w[4], w[5], w[6], w[7]));
  let c = transpose(mat4x4f(w[8], w[9], w[10], w[11]));
  let d = transpose(mat4x4f(w[12], w[13], w[14], w[15]));
  return array<vec4f, 16>(a[0], a[1], a[2], a[3], c[0], c[1], c[2], c[3],
                          b[0], b[1], b[2], b[3], d[0], d[1], d[2], d[3]);
}

@compute @workgroup_size(WG)
fn joint(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunks = params.length / params.chunkLength;
  let at = (group.x + group.y * groups.x) * WG + lane;
  let runs = (chunks + params.chunksOwned - 1u) / params.chunksOwned;
  let row = at / runs;
  if (row >= params.batch * HEADS) { return; }
  let run = run_of(at % runs * params.chunksOwned);
  if (params.accumulate == 0u) {
    for (var i = 0u; i < run.chunks * params.chunkLength; i++) {
      let token = row * params.length + token_at(row, run.first * params.chunkLength + i);
      for (var d = token * params.headSize; d < (token + 1u) * params.headSize; d++) { dq[d] = 0.0; }
    }
  }

  for (var key_column = 0u; key_column < key_columns(run); key_column += 8u) {
    let key_slot = window_slot(run.first, CHUNKS_BEFORE, key_column);
    let own_keys = owns_key(run, key_column);
    let keys0 = tokens_at(row, four_slots(key_slot));
    let keys1 = tokens_at(row, four_slots(key_slot + 4u));
    let at_keys0 = at_tokens(row, keys0);
    let at_keys1 = at_tokens(row, keys1);
    let k0 = at_keys0 * params.headSize;
    let k1 = at_keys1 * params.headSize;
    var keep = vec4f(f32(params.accumulate));
    var along0 = vec4f();
    var along1 = vec4f();
    let queries = queries_of(run, key_column);
    for (var query_column = queries.x; query_column < queries.y; query_column += 8u) {
      let slot = window_slot(run.first, CHUNKS_BEFORE + CHUNKS_AFTER, query_column);
      if (all_forbidden(key_slot, 8u, slot + 8u)) { continue; }
      let own0 = own_of(row, four_slots(slot));
      let own1 = own_of(row, four_slots(slot + 4u));
      let q0 = at_tokens(row, own0.tokens) * params.headSize;
      let q1 = at_tokens(row, own1.tokens) * params.headSize;
      let s = products(DQ, SCORED, q0, q1, k0, k1);
      var d_scores = s;
      var weights = products(DQ, VALUED, q0, q1, k0, k1); // at first their gradients
      let column = window_column(key_column, query_column);
      let dropout = pair_key(row, slot);
      // a loop, so that the masks are compiled once
      for (var i = 0u; i < 16u; i++) {
        let j = i % 8u;
        let key = select(keys1[j % 4u], keys0[j % 4u], j < 4u);
        var own = own0;
        if (i >= 8u) { own = own1; }
        let found = pair_gradients(row, own, dropout, key_slot + j, key, column + j, d_scores[i], weights[i]);
        weights[i] = found.weights;
        d_scores[i] = found.d_scores;
      }
      let d = d_scores;
      if (owns_query(run, query_column)) { add_tile(DQ, SCORED, q0, q1, k0, k1, vec4f(1.0), vec4f(1.0), d); }
      if (own_keys) {
        if (SHARED_KEYS) {
          along0 += vec4f(dot(d[0], s[0]), dot(d[1], s[1]), dot(d[2], s[2]), dot(d[3], s[3])) +
                    vec4f(dot(d[8], s[8]), dot(d[9], s[9]), dot(d[10], s[10]), dot(d[11], s[11]));
          along1 += vec4f(dot(d[4], s[4]), dot(d[5], s[5]), dot(d[6], s[6]), dot(d[7], s[7])) +
                    vec4f(dot(d[12], s[12]), dot(d[13], s[13]), dot(d[14], s[14]), dot(d[15], s[15]));
        }
        let keep_key = select(keep, vec4f(1.0), SHARED_KEYS);
        add_tile(DK, SCORED, k0, k1, q0, q1, keep_key, keep_key, transposed(d));
        add_tile(DV, VALUED, k0, k1, q0, q1, keep, keep, transposed(weights));
        keep = vec4f(1.0);
      }
    }
    if (own_keys && SHARED_KEYS) {
      let scale0 = vec4f(rows[at_keys0.x].w, rows[at_keys0.y].w, rows[at_keys0.z].w, rows[at_keys0.w].w);
      let scale1 = vec4f(rows[at_keys1.x].w, rows[at_keys1.y].w, rows[at_keys1.z].w, rows[at_keys1.w].w);
      let removed0 = along0 * scale0 * scale0;
      let removed1 = along1 * scale1 * scale1;
      for (var d = 0u; d < params.headSize; d++) {
        let at0 = k0 + vec4u(d);
        let at1 = k1 + vec4u(d);
        let x0 = query_numbers(at0);
        let x1 = query_numbers(at1);
        put_results(DK, at0, results(DK, at0) - removed0 * x0);
        put_results(DK, at1, results(DK, at1) - removed1 * x1);
      }
    }
  }
}
