// chunk-attention-backward, form without barriers for adapters that are CPUs: an invocation takes the gradients of a block
// of 8 rows alone.
//
//   Grid     one invocation per block of ROWS = 8 rows of one chunk, in a line of workgroups of 64
//   Method   tiles of 8 rows of the other side pass by; `gradient` is the running sum
//   Numerics as the plain form; the part of dk along a shared key is summed from the scores: dS·(q·k)
// The specification (equation, shapes, window, cost, source, oracle) is in chunk-attention-backward.wgsl.
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
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<Word>;
@group(0) @binding(2) var<storage, read>       k:             array<Word>;
@group(0) @binding(3) var<storage, read>       v:             array<Word>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(6) var<storage, read>       dOut:          array<f32>;
@group(0) @binding(7) var<storage, read>       rows:          array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gradient:      array<f32>;

fn order_at(at: u32) -> u32 {
  return order[at];
}

fn query_number(at: u32) -> f32 {
  return number_of(q[word_index(at)], at);
}
fn query_numbers(at: vec4u) -> vec4f {
  return vec4f(query_number(at.x), query_number(at.y), query_number(at.z), query_number(at.w));
}
fn key_number(at: u32) -> f32 {
  if (SHARED_KEYS) { return query_number(at); }
  return number_of(k[word_index(at)], at);
}
fn value_number(at: u32) -> f32 {
  return number_of(v[word_index(at)], at);
}

fn own_number(role: u32, side: u32, at: u32) -> f32 {
  if (side == SCORED) {
    if (role == DQ) { return query_number(at); }
    return key_number(at);
  }
  if (role == DQ) { return dOut[at]; }
  return value_number(at);
}
fn tile_number(role: u32, side: u32, at: u32) -> f32 {
  if (side == SCORED) {
    if (role == DQ) { return key_number(at); }
    return query_number(at);
  }
  if (role == DQ) { return value_number(at); }
  return dOut[at];
}

fn result_at(role: u32, at: u32) -> f32 {
  return gradient[at];
}
fn put_result(role: u32, at: u32, value: f32) {
  gradient[at] = value;
}

fn accumulate_gradient(role: u32, at: u32) {
  let span = lone_block(at);
  if (span.outside) { return; }
  let row = span.row;
  let rows0 = own_of(row, slots_of(span, 0u));
  let rows1 = own_of(row, slots_of(span, 4u));
  let own0 = at_tokens(row, rows0.tokens) * params.headSize;
  let own1 = at_tokens(row, rows1.tokens) * params.headSize;
  var keep = vec4f(f32(params.accumulate)); // the block's own tile is never left out, so it overwrites
  var along0 = vec4f(); // Σ dS·(q·k), for what the normalisation of shared keys removes
  var along1 = vec4f();

  // A key is seen by the queries of the chunks that have it in their window: the window mirrored.
  let before = select(CHUNKS_AFTER, CHUNKS_BEFORE, role == DQ);
  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  let own_start = span.chunk * params.chunkLength + span.start;
  let own_end = span.chunk * params.chunkLength + span.end;
  for (var start = 0u; start < window; start += 8u) {
    let count = min(8u, window - start);
    let first = window_slot(span.chunk, before, start);
    if (role == DQ) {
      if (all_forbidden(first, count, own_end)) { continue; }
    } else if (first + count <= params.length) {
      if (all_forbidden(own_start, 0u, first + count)) { continue; }
    }

    let slots0 = window_slots(span.chunk, before, start);
    let slots1 = window_slots(span.chunk, before, start + 4u);
    let others0 = tokens_at(row, slots0);
    let others1 = tokens_at(row, slots1);
    let tile0 = at_tokens(row, others0) * params.headSize;
    let tile1 = at_tokens(row, others1) * params.headSize;
    var scores = products(role, SCORED, own0, own1, tile0, tile1);
    var weights = array<vec4f, 16>(); // at first their gradients
    if (role != DV) { weights = products(role, VALUED, own0, own1, tile0, tile1); }
    // a loop, so that the masks are compiled once
    for (var i = 0u; i < 16u; i++) {
      let j = i % 8u;
      let slot = select(slots1[j % 4u], slots0[j % 4u], j < 4u);
      let other = select(others1[j % 4u], others0[j % 4u], j < 4u);
      var own = rows0;
      if (i >= 8u) { own = rows1; }
      let found = pair_weights(role, row, own, slot, other, start + j, scores[i], weights[i]);
      let weight = select(vec4f(), found, j < count);
      if (role == DK) {
        if (i < 8u) { along0 += weight * scores[i]; } else { along1 += weight * scores[i]; }
        weights[i] = weight * own.scale;
      } else {
        weights[i] = weight;
      }
    }
    add_tile(role, select(SCORED, VALUED, role == DV), own0, own1, tile0, tile1, keep, keep, weights);
    keep = vec4f(1.0);
  }

  if (role == DK && SHARED_KEYS) {
    let removed0 = along0 * rows0.scale * rows0.scale * rows0.scale;
    let removed1 = along1 * rows1.scale * rows1.scale * rows1.scale;
    for (var d = 0u; d < params.headSize; d++) {
      let at0 = own0 + vec4u(d);
      let at1 = own1 + vec4u(d);
      let x0 = query_numbers(at0);
      let x1 = query_numbers(at1);
      let old0 = results(role, at0);
      let old1 = results(role, at1); // read before rows that repeat are written
      put_results(role, at0, old0 - removed0 * x0);
      put_results(role, at1, old1 - removed1 * x1);
    }
  }
}

@compute @workgroup_size(WG)
fn dq(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DQ, (group.x + group.y * groups.x) * WG + lane);
}

@compute @workgroup_size(WG)
fn dk(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DK, (group.x + group.y * groups.x) * WG + lane);
}

@compute @workgroup_size(WG)
fn dv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DV, (group.x + group.y * groups.x) * WG + lane);
}
