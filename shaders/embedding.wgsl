// embedding: the residual stream's first value, a word vector plus a position vector.
//
//   out[t,c] = word[ids[t],c]·w(t,c) + position(p,c)·v(t,c),   p = first position + (rowOffset + t) mod length
//   Padding beyond the tables takes their last position, ROWS − 1.
//   position(p,c) = pos0[p div A1, c] for c < SIZE0, else pos1[p mod A1, c − SIZE0]
//   Axial tables have A1 columns. A learned table is pos0 alone: A1 = 1, SIZE0 = SIZE.
//   Dropout: w acts on single elements; v on single elements of learned positions, but on whole columns p mod A1 of
//   a sequence where positions are axial (PLANES).
//
//   ids           [T]          u32  token ids below V; T tokens of a slab that starts at token rowOffset of the batch
//   word          [V,E]        f32
//   pos0          [A0,SIZE0]   f32
//   pos1          [A1,SIZE1]   f32  absent for a learned table
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
override AXIS1: u32; // A1
override ROWS: u32;  // A0·A1
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
@group(0) @binding(3) var<storage, read>       pos0:         array<f32>;
@group(0) @binding(4) var<storage, read>       pos1:         array<f32>;
@group(0) @binding(5) var<storage, read>       control:      array<u32>;
@group(0) @binding(6) var<storage, read>       keepWord:     array<u32>;
@group(0) @binding(7) var<storage, read>       keepPosition: array<u32>;
@group(0) @binding(8) var<storage, read_write> out:          array<i32>;

const GROUP = 256u;

fn seeded_factor(site: u32, row: u32, column: u32) -> f32 {
  let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
  return dropout_factor(dropout_key(seed, control[CONTROL_DRAW], site), row, column, params.dropoutRate);
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
  var position_value = 0.0;
  if (column < SIZE0) {
    position_value = pos0[p / AXIS1 * SIZE0 + column];
  } else {
    position_value = pos1[p % AXIS1 * (SIZE - SIZE0) + column - SIZE0];
  }
  // Row and column of this element in the mask of the positions.
  let mask_row = select(token, sequence, PLANES);
  let mask_column = select(column, p % AXIS1, PLANES);
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
