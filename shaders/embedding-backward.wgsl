// embedding-backward: the gradient of the word table, by sorted tokens.
//
//   dWord[i,c] += Σ over t with ids[t] = i of dStream[t,c]·w(t,c),  w the dropout factor of words
//   Equal ids stand together in `order`: a run. `runs` walks windows of 256 sorted tokens and adds every run that lies
//   inside one window; of a run over several windows it leaves one part for each, which `joins` adds up.
//
//   ids       [T]            u32
//   order     [T]            u32  tokens by ascending id, ties by token (bucket-sort)
//   dWord     [V,E]          f32  added to
//   dStream   [T,E]          f32  gradient of the stream, both halves summed; T tokens of a slab from token rowOffset
//   control   [16]           u32  for seeded dropout
//   keepWord  [T,E]          u32  recorded mask, 1 = kept; absent unless dropout is given
//   parts     [windows,2,E]  f32  out of runs: 0 the part of a run from an earlier window, 1 of one that goes on
//   partsIn   [windows,2,E]  f32  into joins: the same
//
//   Grid    (windows, ⌈E/64⌉), one invocation per column of a window
//   Cost    runs reads T·E gradients and updates the rows that occur; joins reads the parts of long runs
//   Numerics  f32 sums in ascending order of the tokens within a window, then of the windows: never by timing
//   Source  sort and segmented reduction instead of atomic addition. Prepended: threefry, control, dropout.
//           Oracle: test/oracle/embedding-backward.ts
override SIZE: u32; // E
override DROPOUT: u32;

struct Params { tokens: u32, rowOffset: u32, site: u32, dropoutRate: f32 }
@group(0) @binding(0) var<uniform>             params:   Params;
@group(0) @binding(1) var<storage, read>       ids:      array<u32>;
@group(0) @binding(2) var<storage, read>       order:    array<u32>;
@group(0) @binding(3) var<storage, read_write> dWord:    array<f32>;
@group(0) @binding(4) var<storage, read>       dStream:  array<f32>;
@group(0) @binding(5) var<storage, read>       control:  array<u32>;
@group(0) @binding(6) var<storage, read>       keepWord: array<u32>;
@group(0) @binding(7) var<storage, read_write> parts:    array<f32>;
@group(0) @binding(4) var<storage, read>       partsIn:  array<f32>;

const COLUMNS = 64u; // of a workgroup
const WINDOW = 256u; // sorted tokens of a workgroup

fn id_at(slot: u32) -> u32 { return ids[order[slot]]; }

fn at_part(window: u32, kind: u32, column: u32) -> u32 { return (window * 2u + kind) * SIZE + column; }

fn gradient(key: vec2u, token: u32, column: u32) -> f32 {
  let value = dStream[token * SIZE + column];
  if (DROPOUT == DROPOUT_SEEDED) {
    return value * dropout_factor(key, params.rowOffset + token, column, params.dropoutRate);
  }
  if (DROPOUT == DROPOUT_GIVEN) {
    return value * f32(keepWord[token * SIZE + column]) / (1.0 - params.dropoutRate);
  }
  return value;
}

@compute @workgroup_size(COLUMNS)
fn runs(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.y * COLUMNS + lane;
  if (column >= SIZE) { return; }
  var key = vec2u();
  if (DROPOUT == DROPOUT_SEEDED) {
    let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
    key = dropout_key(seed, control[CONTROL_DRAW], params.site);
  }
  let window = group.x;
  let first = window * WINDOW;
  let end = min(params.tokens, first + WINDOW);
  var id = id_at(first);
  var kept_from = false; // the run began in an earlier window
  if (first > 0u) { kept_from = id_at(first - 1u) == id; }
  var sum = 0.0;
  for (var slot = first; slot < end; slot++) {
    let token = order[slot];
    if (ids[token] != id) {
      if (kept_from) { parts[at_part(window, 0u, column)] = sum; } else { dWord[id * SIZE + column] += sum; }
      id = ids[token];
      kept_from = false;
      sum = 0.0;
    }
    sum += gradient(key, token, column);
  }
  var goes_on = false;
  if (end < params.tokens) { goes_on = id_at(end) == id; }
  if (kept_from) {
    parts[at_part(window, 0u, column)] = sum;
  } else if (goes_on) {
    parts[at_part(window, 1u, column)] = sum;
  } else {
    dWord[id * SIZE + column] += sum;
  }
}

// Adds up the run that begins in this window and goes on in the next, if there is one.
@compute @workgroup_size(COLUMNS)
fn joins(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.y * COLUMNS + lane;
  let first = group.x * WINDOW;
  var end = first + WINDOW;
  if (column >= SIZE || end >= params.tokens) { return; }
  let id = id_at(end);
  if (id_at(end - 1u) != id) { return; }
  if (first > 0u) {
    if (id_at(first - 1u) == id) { return; }
  }
  var sum = partsIn[at_part(group.x, 1u, column)];
  for (var window = group.x + 1u; ; window++) {
    sum += partsIn[at_part(window, 0u, column)];
    end += WINDOW;
    if (end >= params.tokens) { break; }
    if (id_at(end) != id) { break; }
  }
  dWord[id * SIZE + column] += sum;
}
