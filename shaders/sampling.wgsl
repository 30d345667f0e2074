// sampling: choose the next token of every sequence from its logits.
//
//   z_j  ← z_j / ρ where z_j > 0, z_j ρ elsewhere, for tokens that have occurred                 repetition penalty ρ
//   keep   z_j ≥ the k-th largest                                                                top k
//   keep   the likeliest tokens that together reach p of what is left; of equals all             top p
//   w_j  = exp((z_j − max z) / temperature) of kept tokens, else 0
//   token = the first t with Σ_{j ≤ t} w_j > u Σ_j w_j,  u uniform from (seed, draw, row)
//   Temperature 0: the first of the largest z. Every choice enters `seen`.
//
//   sample_token
//     seen     [batch,⌈V/32⌉]  u32  bit j: token j has occurred; read_write
//     control  [16]            u32  seed, draw, temperature, top k, top p, penalty; shared/control.wgsl
//     logits   [batch,V]       f32  V up to 65,536
//     tokens   [batch]         u32
//   mark_seen enters ids [batch,length] (u32) into seen; an id from V on (a padding mark) is passed over
//
//   Grid      sample_token: one workgroup per sequence; mark_seen: (⌈length/64⌉, batch)
//   Cost      reads the row 3 times, and 33 times more for each of top k and top p
//   Numerics  no sorting: a threshold is found bit by bit in the order-preserving u32 image of f32; sums in f32
//             and in fixed order, so equal inputs give equal tokens
//   Source    Holtzman et al. 2020 (top p), Keskar et al. 2019 (penalty). Oracle: test/oracle/sampling.ts
//   Needs     shared/control.wgsl, shared/threefry.wgsl, shared/workgroup-sum.wgsl
const SAMPLING_SITE = 0xffffffffu; // no dropout site has this number
const SMALLEST_EXPONENT = -100.0;  // exp of it is below 1e-43 of the largest weight

struct Params { vocab: u32 } // V
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read_write> seen:    array<atomic<u32>>;
@group(0) @binding(2) var<storage, read>       control: array<u32>;
@group(0) @binding(3) var<storage, read>       logits:  array<f32>;
@group(0) @binding(4) var<storage, read_write> tokens:  array<u32>;

var<workgroup> sh_top: atomic<u32>;  // largest key
var<workgroup> sh_best: atomic<u32>; // V − the first token that has it

fn seen_word(row: u32, token: u32) -> u32 {
  return row * ((params.vocab + 31u) / 32u) + token / 32u;
}

fn penalised(row: u32, token: u32) -> f32 {
  let z = logits[row * params.vocab + token];
  let penalty = bitcast<f32>(control[CONTROL_REPETITION_PENALTY]);
  if (penalty == 1.0) { return z; }
  let occurred = ((atomicLoad(&seen[seen_word(row, token)]) >> (token % 32u)) & 1u) == 1u;
  return select(z, select(z * penalty, z / penalty, z > 0.0), occurred);
}

// Unsigned integers in the order of the floats.
fn key_of(z: f32) -> u32 {
  let bits = bitcast<u32>(z);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn float_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

fn weight(z: f32, top: f32) -> f32 {
  return exp(max((z - top) / bitcast<f32>(control[CONTROL_TEMPERATURE]), SMALLEST_EXPONENT));
}

fn choose(row: u32, token: u32) {
  tokens[row] = token;
  atomicOr(&seen[seen_word(row, token)], 1u << (token % 32u));
}

@compute @workgroup_size(WG)
fn sample_token(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = wid.x;
  let vocab = params.vocab;

  // The largest logit, and the first token that has it.
  var lane_top = 0u;
  var lane_best = 0u;
  for (var token = lane; token < vocab; token += WG) {
    let key = key_of(penalised(row, token));
    if (key > lane_top) {
      lane_top = key;
      lane_best = token;
    }
  }
  atomicMax(&sh_top, lane_top);
  workgroupBarrier();
  let top_key = atomicLoad(&sh_top);
  let top = float_of(top_key);
  if (lane_top == top_key) { atomicMax(&sh_best, vocab - lane_best); }
  workgroupBarrier();
  let best = vocab - atomicLoad(&sh_best);
  if (bitcast<f32>(control[CONTROL_TEMPERATURE]) == 0.0) {
    if (lane == 0u) { choose(row, best); }
    return;
  }

  // Key of the least likely token to keep: first the largest such that the tokens from it up number k, then among them
  // the largest such that the tokens from it up weigh p of all.
  let top_k = control[CONTROL_TOP_K];
  let top_p = bitcast<f32>(control[CONTROL_TOP_P]);
  var least = 0u;
  for (var stage = 0u; stage < 2u; stage += 1u) {
    let by_weight = stage == 1u;
    if (select(top_k == 0u || top_k >= vocab, top_p >= 1.0, by_weight)) { continue; }
    var wanted = f32(top_k);
    var prefix = 0u; // the key's bits so far, from the highest
    for (var step = 0u; step <= 32u; step += 1u) {
      // Step 0 measures all that is left, every other one tries one more bit.
      let candidate = prefix | select(1u << (32u - step), 0u, step == 0u);
      var mass = 0.0;
      for (var token = lane; token < vocab; token += WG) {
        let z = penalised(row, token);
        if (key_of(z) < max(candidate, least)) { continue; }
        if (by_weight) { mass += weight(z, top); } else { mass += 1.0; }
      }
      let reached = workgroup_sum(lane, mass);
      if (step == 0u && by_weight) { wanted = top_p * reached; }
      if (step > 0u && reached >= wanted) { prefix = candidate; }
    }
    least = max(least, prefix);
  }

  // Each invocation weighs a run of neighbouring tokens; the first one walks the runs, then the tokens of one run.
  let run = (vocab + WG - 1u) / WG;
  var run_weight = 0.0;
  for (var token = lane * run; token < min((lane + 1u) * run, vocab); token += 1u) {
    let z = penalised(row, token);
    if (key_of(z) >= least) { run_weight += weight(z, top); }
  }
  sh_values[lane] = run_weight;
  workgroupBarrier(); // also: only the first invocation reads `seen` from here on
  if (lane != 0u) { return; }

  let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
  let key = threefry2x32(seed, vec2u(control[CONTROL_DRAW], SAMPLING_SITE));
  let u = unit_float(threefry2x32(key, vec2u(row, 0u)).x);
  var total = 0.0;
  for (var i = 0u; i < WG; i += 1u) { total += sh_values[i]; }
  let goal = u * total;
  // Where rounding keeps the sum from passing the goal, the last run and token of positive weight are taken.
  var before = 0.0;
  var sum = 0.0;
  var chosen_run = 0u;
  for (var i = 0u; i < WG && sum <= goal; i += 1u) {
    let w = sh_values[i];
    if (w > 0.0) {
      chosen_run = i;
      before = sum;
    }
    sum += w;
  }
  var chosen = best;
  sum = before;
  for (var token = chosen_run * run; token < min((chosen_run + 1u) * run, vocab) && sum <= goal; token += 1u) {
    let z = penalised(row, token);
    let w = weight(z, top);
    if (key_of(z) < least || w == 0.0) { continue; }
    chosen = token;
    sum += w;
  }
  choose(row, chosen);
}

@group(0) @binding(2) var<storage, read>       ids:     array<u32>;

@compute @workgroup_size(64)
fn mark_seen(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
             @builtin(local_invocation_index) lane: u32) {
  let length = arrayLength(&ids) / groups.y;
  let position = wid.x * 64u + lane;
  if (position >= length) { return; }
  let token = ids[wid.y * length + position];
  if (token < params.vocab) { atomicOr(&seen[seen_word(wid.y, token)], 1u << (token % 32u)); }
}
