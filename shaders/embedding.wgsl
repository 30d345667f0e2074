// embedding: the residual stream's first value, a word vector plus a position vector.
//
//   out[t,c] = word[ids[t],c]·w(t,c) + position(p,c)·v(t,c),   p = first position + (rowOffset + t) mod length
//   Padding beyond the tables takes their last position, ROWS − 1.
//   position(p,c): the tables of two or three axes side by side. p = (r0·A1 + r1)·A2 + r2, and the table of axis k gives
//   its row r_k for the SIZE_k columns after those of the tables before. Two axes: A2 = 1, SIZE2 = 0. A learned table is
//   axis 0 alone: A1 = A2 = 1, SIZE0 = SIZE.
//   Dropout: w acts on single elements; v on single elements of learned positions, but on whole planes r1 of a sequence
//   where positions are axial (PLANES).
//
//   ids           [T]          u32  token ids below V; T tokens of a slab that starts at token rowOffset of the batch
//   word          [V,E]        f32
//   positions     tables [A_k,SIZE_k] one after the other, table k from element START_k on  f32
//   control       [16]         u32  for seeded dropout, and a first position that changes without a new plan
//   keepWord      [T,E]        u32  recorded masks, 1 = kept; absent unless dropout is given
//   keepPosition  [B,A1] or [T,E]  u32
//   out           [T,E]        i32  out, stream words
//
//   Grid    ⌈T·E / 256⌉ in a line, one invocation per element
//   Cost    3 reads and one write of 4 bytes per element
//   Numerics  f32; in fixed point the sum is rounded once, half to even
//   Source  Kitaev et al. 2020 appendix (axial positions), Hugging Face ReformerEmbeddings (dropout places).
//           Prepended: threefry, control, dropout, stream. Oracle: test/oracle/embedding.ts
override SIZE: u32;  // E
override SIZE0: u32;
override SIZE1: u32;
override START1: u32;
override START2: u32;
override AXIS1: u32; // A1
override AXIS2: u32; // A2
override ROWS: u32;  // A0·A1·A2
override PLANES: bool;
override DROPOUT: u32;

struct Params {
  tokens: u32,
  length: u32,
  rowOffset: u32,
  positionOffset: u32,
  site: u32,
  positionSite: u32,
  dropoutRate: f32,
}
@group(0) @binding(0) var<uniform>             params:       Params;
@group(0) @binding(1) var<storage, read>       ids:          array<u32>;
@group(0) @binding(2) var<storage, read>       word:         array<f32>;
@group(0) @binding(3) var<storage, read>       positions:    array<f32>;
@group(0) @binding(4) var<storage, read>       control:      array<u32>;
@group(0) @binding(5) var<storage, read>       keepWord:     array<u32>;
@group(0) @binding(6) var<storage, read>       keepPosition: array<u32>;
@group(0) @binding(7) var<storage, read_write> out:          array<i32>;

const GROUP = 256u;

fn seeded_factor(site: u32, row: u32, column: u32) -> f32 {
  let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
  return dropout_factor(dropout_key(seed, control[CONTROL_DRAW], site), row, column, params.dropoutRate);
}

// Element of `positions` at column c of position p.
fn position_index(p: u32, c: u32) -> u32 {
  if (c < SIZE0) { return p / (AXIS1 * AXIS2) * SIZE0 + c; }
  if (c < SIZE0 + SIZE1) { return START1 + p / AXIS2 % AXIS1 * SIZE1 + c - SIZE0; }
  return START2 + p % AXIS2 * (SIZE - SIZE0 - SIZE1) + c - SIZE0 - SIZE1;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * GROUP + lane;
  if (i >= params.tokens * SIZE) { return; }
  let token = params.rowOffset + i / SIZE;
  let column = i % SIZE;
  let sequence = token / params.length;
  let p = min(control[CONTROL_POSITION] + params.positionOffset + token % params.length, ROWS - 1u);

  var word_value = word[ids[i / SIZE] * SIZE + column];
  var position_value = positions[position_index(p, column)];
  // Row and column of this element in the mask of the positions.
  let mask_row = select(token, sequence, PLANES);
  let mask_column = select(column, p / AXIS2 % AXIS1, PLANES);
  if (DROPOUT == DROPOUT_SEEDED) {
    word_value *= seeded_factor(params.site, token, column);
    position_value *= seeded_factor(params.positionSite, mask_row, mask_column);
  } else if (DROPOUT == DROPOUT_GIVEN) {
    let scale = 1.0 / (1.0 - params.dropoutRate);
    word_value *= scale * f32(keepWord[i]);
    position_value *= scale * f32(keepPosition[select(i, mask_row * AXIS1 + mask_column, PLANES)]);
  }
  out[i] = stream_word(word_value + position_value);
}
