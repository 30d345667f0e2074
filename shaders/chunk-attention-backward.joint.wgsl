// chunk-attention-backward, all gradients in one pass: every score and every gradient of a weight that lies within a run of
// chunks is computed once, where dq, dk and dv apart compute it thrice.
//
//   keys           u32  `order` if SORTED, else the words of `k`: WebGPU guarantees eight storage buffers
//   dq             [B,H,L,D]      f32  written, or added to if `accumulate`; with SHARED_KEYS it takes dk in, too
//   dkv            [1|2,B,H,L,D]  f32  dk unless SHARED_KEYS, then dv; as dq
//   The other tensors are those of chunk-attention-backward.
//
//   Method   a workgroup owns the gradients of the rows of a run, up to `chunksOwned` consecutive chunks of the round. It
//            meets the pairs within the run once for all of them, those of its queries with other keys for dq, and those
//            of its keys with other queries for dk and dv. Blocks of ROWS keys pass by, and for each the blocks of ROWS
//            queries that see it. The last run has what chunks are left
//   Grid     one workgroup per run: (line of ⌈L/C / chunksOwned⌉ in x and y, 1, B·H). C is a multiple of ROWS
//   Layout   ROWS / 4 lines of places. An invocation scores the 4 queries of its line against the 4 keys of its place
//            (places below ROWS / 4, and as many more, where there are, for the gradients of weights). For the vec4 of D
//            that its place stands for (places below D / 4) it sums dk and dv of the 4 keys of its line in registers, dq
//            of the 4 queries of its line in memory. Rows of a chunk have the same lines as keys and as queries, so that
//            one invocation alone touches a sum. Weights change hands in 12·ROWS² bytes of workgroup memory
//   Cost     (10·(1 + before + after) + 4·across/m)·C·D operations per row of a run of m chunks, whose queries meet other
//            runs' keys in `across` pairs of chunks, Σ min(i, m) for i = 1 … before and 1 … after: with one neighbour
//            24·C·D for m = 1, 20.5·C·D for m = 8. dq, dk and dv apart take 16·(1 + before + after)·C·D
//   Numerics f32 sums in ring order, no atomics, to the bit the same for every m; what the norm removes along a shared key
//            is summed from scores: dS·(q·k)
// Equation, source and oracle are in chunk-attention-backward.wgsl.
override LANES: u32; // ROWS / 4 * max(HEAD_VECS, ROWS / 4)

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
@group(0) @binding(1) var<storage, read>       q:             array<Vector>;
@group(0) @binding(2) var<storage, read>       keys:          array<vec4u>;
@group(0) @binding(3) var<storage, read>       v:             array<Vector>;
@group(0) @binding(4) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(5) var<storage, read>       dOut:          array<vec4f>;
@group(0) @binding(6) var<storage, read>       rows:          array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dq:            array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dkv:           array<vec4f>;

var<workgroup> for_dq: array<vec4f, ROWS * ROWS / 4u>; // dS·scale, [key of the block][line of queries]
var<workgroup> for_dk: array<vec4f, ROWS * ROWS / 4u>; // dS·scale, [query of the block][line of keys]
var<workgroup> for_dv: array<vec4f, ROWS * ROWS / 4u>; // P·dropout, likewise

fn order_at(at: u32) -> u32 {
  return keys[at / 4u][at % 4u];
}

fn key_vector(at: u32) -> vec4f {
  if (SHARED_KEYS) { return numbers_of(q[at]); }
  return vector_of(keys[words_index(at)], at);
}

@compute @workgroup_size(LANES)
fn joint(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.z;
  let chunks = params.length / params.chunkLength;
  let at_chunk = (group.x + group.y * groups.x) * params.chunksOwned;
  if (at_chunk >= chunks) { return; }
  let run = run_of(at_chunk);
  let lines = ROWS / 4u;
  let line = lane % lines;
  let place = lane / lines;
  let split = HEAD_VECS >= 2u * lines; // other places than those that score take the gradients of the weights
  if (params.accumulate == 0u && place < HEAD_VECS) {
    for (var i = 4u * line; i < run.chunks * params.chunkLength; i += ROWS) {
      let at = at_tokens(row, tokens_at(row, four_slots(run.first * params.chunkLength + i))) * HEAD_VECS + place;
      dq[at.x] = vec4f();
      dq[at.y] = vec4f();
      dq[at.z] = vec4f();
      dq[at.w] = vec4f();
    }
  }

  for (var key_column = 0u; key_column < key_columns(run); key_column += ROWS) {
    let key_slot = window_slot(run.first, CHUNKS_BEFORE, key_column);
    let own_keys = owns_key(run, key_column);
    let scored_keys = tokens_at(row, four_slots(key_slot + 4u * (place % lines)));
    let at_scored = at_tokens(row, scored_keys) * HEAD_VECS;
    var along = vec4f(); // Σ dS·scale·(q·k) of the keys scored here
    var dk0 = vec4f();
    var dk1 = vec4f();
    var dk2 = vec4f();
    var dk3 = vec4f();
    var dv0 = vec4f();
    var dv1 = vec4f();
    var dv2 = vec4f();
    var dv3 = vec4f();

    let queries = queries_of(run, key_column);
    for (var query_column = queries.x; query_column < queries.y; query_column += ROWS) {
      let slot = window_slot(run.first, CHUNKS_BEFORE + CHUNKS_AFTER, query_column);
      if (all_forbidden(key_slot, ROWS, slot + ROWS)) { continue; }
      let own = own_of(row, four_slots(slot + 4u * line));
      let at_own = at_tokens(row, own.tokens) * HEAD_VECS;

      workgroupBarrier(); // the previous pair of blocks has been used
      var s0 = vec4f();
      var s1 = vec4f();
      var s2 = vec4f();
      var s3 = vec4f();
      if (place < lines) {
        for (var i = 0u; i < params.headSize / 4u; i++) {
          let x0 = numbers_of(q[at_own.x + i]);
          let x1 = numbers_of(q[at_own.y + i]);
          let x2 = numbers_of(q[at_own.z + i]);
          let x3 = numbers_of(q[at_own.w + i]);
          let y0 = key_vector(at_scored.x + i);
          let y1 = key_vector(at_scored.y + i);
          let y2 = key_vector(at_scored.z + i);
          let y3 = key_vector(at_scored.w + i);
          s0 += vec4f(dot(x0, y0), dot(x1, y0), dot(x2, y0), dot(x3, y0));
          s1 += vec4f(dot(x0, y1), dot(x1, y1), dot(x2, y1), dot(x3, y1));
          s2 += vec4f(dot(x0, y2), dot(x1, y2), dot(x2, y2), dot(x3, y2));
          s3 += vec4f(dot(x0, y3), dot(x1, y3), dot(x2, y3), dot(x3, y3));
        }
      }
      var d0 = vec4f();
      var d1 = vec4f();
      var d2 = vec4f();
      var d3 = vec4f();
      if (place / lines == select(0u, 1u, split)) {
        for (var i = 0u; i < params.headSize / 4u; i++) {
          let x0 = dOut[at_own.x + i];
          let x1 = dOut[at_own.y + i];
          let x2 = dOut[at_own.z + i];
          let x3 = dOut[at_own.w + i];
          let y0 = numbers_of(v[at_scored.x + i]);
          let y1 = numbers_of(v[at_scored.y + i]);
          let y2 = numbers_of(v[at_scored.z + i]);
          let y3 = numbers_of(v[at_scored.w + i]);
          d0 += vec4f(dot(x0, y0), dot(x1, y0), dot(x2, y0), dot(x3, y0));
          d1 += vec4f(dot(x0, y1), dot(x1, y1), dot(x2, y1), dot(x3, y1));
          d2 += vec4f(dot(x0, y2), dot(x1, y2), dot(x2, y2), dot(x3, y2));
          d3 += vec4f(dot(x0, y3), dot(x1, y3), dot(x2, y3), dot(x3, y3));
        }
      }
      let first = 4u * (place % lines);
      if (split) {
        if (place / lines == 1u) {
          for_dq[first * lines + line] = d0;
          for_dq[(first + 1u) * lines + line] = d1;
          for_dq[(first + 2u) * lines + line] = d2;
          for_dq[(first + 3u) * lines + line] = d3;
        }
        workgroupBarrier(); // the gradients of the weights are with the invocations that have the scores
      }
      if (place < lines) {
        if (split) {
          d0 = for_dq[first * lines + line];
          d1 = for_dq[(first + 1u) * lines + line];
          d2 = for_dq[(first + 2u) * lines + line];
          d3 = for_dq[(first + 3u) * lines + line];
        }
        // a loop, so that the masks are compiled once
        var scores = array<vec4f, 4>(s0, s1, s2, s3);
        var d_weights = array<vec4f, 4>(d0, d1, d2, d3);
        let dropout = pair_key(row, slot);
        let column = window_column(key_column, query_column) + first;
        for (var c = 0u; c < 4u; c++) {
          let key_at = key_slot + first + c;
          let found =
            pair_gradients(row, own, dropout, key_at, scored_keys[c], column + c, scores[c], d_weights[c]);
          along[c] += dot(found.d_scores, scores[c]);
          scores[c] = found.d_scores;
          d_weights[c] = found.weights;
          for_dq[(first + c) * lines + line] = found.d_scores;
        }
        let of_keys = transpose(mat4x4f(scores[0], scores[1], scores[2], scores[3]));
        let of_values = transpose(mat4x4f(d_weights[0], d_weights[1], d_weights[2], d_weights[3]));
        for (var r = 0u; r < 4u; r++) {
          for_dk[(4u * line + r) * lines + place] = of_keys[r];
          for_dv[(4u * line + r) * lines + place] = of_values[r];
        }
      }
      workgroupBarrier();

      if (place < HEAD_VECS) {
        if (owns_query(run, query_column)) {
          var sum0 = dq[at_own.x + place];
          var sum1 = dq[at_own.y + place];
          var sum2 = dq[at_own.z + place];
          var sum3 = dq[at_own.w + place];
          for (var j = 0u; j < ROWS; j++) {
            let vector = key_vector((row * params.length + token_at(row, key_slot + j)) * HEAD_VECS + place);
            let w = for_dq[j * lines + line];
            sum0 += w.x * vector;
            sum1 += w.y * vector;
            sum2 += w.z * vector;
            sum3 += w.w * vector;
          }
          dq[at_own.x + place] = sum0;
          dq[at_own.y + place] = sum1;
          dq[at_own.z + place] = sum2;
          dq[at_own.w + place] = sum3;
        }
        if (own_keys) {
          for (var i = 0u; i < ROWS; i++) {
            let at = (row * params.length + token_at(row, slot + i)) * HEAD_VECS + place;
            let query = numbers_of(q[at]);
            let k = for_dk[i * lines + line];
            dk0 += k.x * query;
            dk1 += k.y * query;
            dk2 += k.z * query;
            dk3 += k.w * query;
            let d_out = dOut[at];
            let p = for_dv[i * lines + line];
            dv0 += p.x * d_out;
            dv1 += p.y * d_out;
            dv2 += p.z * d_out;
            dv3 += p.w * d_out;
          }
        }
      }
    }
    if (!own_keys) { continue; }

    let at = at_tokens(row, tokens_at(row, four_slots(key_slot + 4u * line)));
    var removed = vec4f(); // what the normalisation removes: the part along the key itself
    if (SHARED_KEYS) {
      workgroupBarrier(); // the last pair of blocks has been used
      if (place < lines) { for_dk[line * lines + place] = along; }
      workgroupBarrier();
      for (var i = 0u; i < lines; i++) { removed += for_dk[i * lines + line]; }
      let scale = vec4f(rows[at.x].w, rows[at.y].w, rows[at.z].w, rows[at.w].w);
      removed *= scale * scale;
    }
    if (place < HEAD_VECS) {
      store(at.x * HEAD_VECS + place, removed.x, dk0, dv0);
      store(at.y * HEAD_VECS + place, removed.y, dk1, dv1);
      store(at.z * HEAD_VECS + place, removed.z, dk2, dv2);
      store(at.w * HEAD_VECS + place, removed.w, dk3, dv3);
    }
  }
}

fn store(at: u32, removed: f32, dk: vec4f, dv: vec4f) {
  let added = params.accumulate != 0u;
  var plane = 0u;
  if (SHARED_KEYS) {
    dq[at] += dk - removed * numbers_of(q[at]);
  } else {
    plane = params.batch * HEADS * params.length * HEAD_VECS;
    if (added) { dkv[at] += dk; } else { dkv[at] = dk; }
  }
  if (added) { dkv[plane + at] += dv; } else { dkv[plane + at] = dv; }
}
