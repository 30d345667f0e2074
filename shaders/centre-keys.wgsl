// centre-keys: unit keys minus the mean of the keys before them, or of all keys.
//
//   u[t]       = scale[t]·qk[t], the unit key; masked tokens are left out of every sum and count
//   centred[t] = u[t] − (Σ_{s<t} u[s]) / max(count of s < t, 1)     if CAUSAL; s also runs over what totals held
//   centred[t] = u[t] − (Σ_s u[s]) / max(count of s, 1)             otherwise
//
//   qk       [B,H,L,D]     f32  shared query/key vectors; halves with shared/heads-half.wgsl, else heads-f32.wgsl
//   scale    [B,H,L]       f32  out of key-scale: what makes each of them a unit key
//   keyMask  [B,L]         u32  1 = real token; absent unless MASKED
//   tiles    [B,H,T,D + 1] f32  out of sum: sum and count of each of T = ⌈L/64⌉ tiles; of scan, in place: what every
//                               token of the tile has before it, or with it
//   totals   [B,H,D + 1]   f32  of scan, in place: sum and count of the tokens so far, zero at the start of a sequence
//   centred  [B,H,L,D]     f32  out of subtract
//
//   Grid     sum, subtract: (T, B·H); scan: (⌈(D + 1)/64⌉, B·H); every invocation has components of its own
//   Cost     reads qk twice, writes centred once
//   Numerics f32 sums: tokens of a tile in order, then tiles in order, so that later tokens change nothing before them
//   Source   keys centred before hashing: Chen et al. 2024 (MagicPIG); the running mean is ours.
//            Oracle: test/oracle/centre-keys.ts
override HEADS: u32;
override HEAD_SIZE: u32;
override CAUSAL: bool;
override MASKED: bool;

struct Params { length: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       qk:      array<Word>;
@group(0) @binding(2) var<storage, read>       scale:   array<f32>;
@group(0) @binding(3) var<storage, read>       keyMask: array<u32>;
@group(0) @binding(4) var<storage, read_write> tiles:   array<f32>;
@group(0) @binding(1) var<storage, read_write> sums:    array<f32>; // tiles, in scan
@group(0) @binding(2) var<storage, read_write> totals:  array<f32>;
@group(0) @binding(4) var<storage, read>       means:   array<f32>; // tiles, in subtract
@group(0) @binding(5) var<storage, read_write> centred: array<f32>;

const TILE = 64u;
const GROUP = 64u;

fn tile_count() -> u32 { return (params.length + TILE - 1u) / TILE; }
fn at_tile(row: u32, tile: u32) -> u32 { return (row * tile_count() + tile) * (HEAD_SIZE + 1u); }

fn is_real(row: u32, token: u32) -> bool {
  return !MASKED || keyMask[row / HEADS * params.length + token] != 0u;
}

fn unit_key(row: u32, token: u32, component: u32) -> f32 {
  let at = row * params.length + token;
  let number = at * HEAD_SIZE + component;
  return scale[at] * number_of(qk[word_index(number)], number);
}

@compute @workgroup_size(GROUP)
fn sum(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let first = group.x * TILE;
  let end = min(first + TILE, params.length);
  for (var component = lane; component <= HEAD_SIZE; component += GROUP) {
    var total = 0.0;
    for (var token = first; token < end; token++) {
      if (!is_real(row, token)) { continue; }
      if (component < HEAD_SIZE) { total += unit_key(row, token, component); } else { total += 1.0; }
    }
    tiles[at_tile(row, group.x) + component] = total;
  }
}

@compute @workgroup_size(GROUP)
fn scan(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let component = group.x * GROUP + lane;
  if (component > HEAD_SIZE) { return; }
  let at_total = row * (HEAD_SIZE + 1u) + component;
  var running = totals[at_total];
  for (var tile = 0u; tile < tile_count(); tile++) {
    let at = at_tile(row, tile) + component;
    let next = running + sums[at];
    sums[at] = running;
    running = next;
  }
  totals[at_total] = running;
  if (CAUSAL) { return; }
  for (var tile = 0u; tile < tile_count(); tile++) { sums[at_tile(row, tile) + component] = running; }
}

@compute @workgroup_size(GROUP)
fn subtract(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let first = group.x * TILE;
  let end = min(first + TILE, params.length);
  for (var component = lane; component < HEAD_SIZE; component += GROUP) {
    let before = means[at_tile(row, group.x) + component];
    let count_before = means[at_tile(row, group.x) + HEAD_SIZE];
    var total = 0.0;
    var count = 0.0;
    for (var token = first; token < end; token++) {
      let key = unit_key(row, token, component);
      centred[(row * params.length + token) * HEAD_SIZE + component] =
        key - (before + total) / max(count_before + count, 1.0);
      if (CAUSAL && is_real(row, token)) {
        total += key;
        count += 1.0;
      }
    }
  }
}
