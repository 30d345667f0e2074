// matmul, matrix forms, for devices with Chromium's experimental subgroup matrices: products of SIDE × SIDE blocks are single
// operations of a subgroup. Operands are rounded to halves as by quad-f16.
//
//   Grid       (⌈n/64⌉, ⌈m/64⌉, splits)
//   Workgroup  256 invocations; 64 × 16 slices of A and B and 8 blocks of C, at most 13 KiB
//   Method     8 workers share the blocks of a tile of C; a subgroup is a worker, or, where there are fewer, several in turn.
//              Finished blocks go through workgroup memory to the epilogue that all forms share
//   Numerics   halves are multiplied and summed in f32, in the hardware's order
//   Needs      `enable` of f16, subgroups and the matrices, and `diagnostic` off for their uniformity, first; `const SIDE`;
//              shared/quad-f16.wgsl and shared/matmul-slices.wgsl
// The specification (equation, shapes, cost, numerics, oracle) is in matmul.wgsl.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       a:       array<A>;
@group(0) @binding(2) var<storage, read>       b:       array<B>;
@group(0) @binding(3) var<storage, read>       bias:    array<f32>;
@group(0) @binding(4) var<storage, read>       keep:    array<u32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;
@group(0) @binding(6) var<storage, read>       before:  array<f32>;
@group(0) @binding(7) var<storage, read_write> out:     array<Out>;

alias Left = subgroup_matrix_left<f16, SIDE, SIDE>;
alias Right = subgroup_matrix_right<f16, SIDE, SIDE>;
alias Block = subgroup_matrix_result<f32, SIDE, SIDE>;

const INVOCATIONS = 256u;
const WORKERS = 8u;
const ACROSS = TILE / SIDE;                       // blocks in a row of the tile
const EACH = ACROSS * ACROSS / WORKERS;           // blocks of a worker, neighbours in one row
const PITCH_A = K_STEP + 8u;
const PITCH_B = TILE + 8u;

var<workgroup> tile_a: array<f16, TILE * PITCH_A>;              // [row][k]
var<workgroup> tile_b: array<f16, K_STEP * PITCH_B>;            // [k][column]
var<workgroup> blocks: array<f32, WORKERS * SIDE * SIDE>;       // [worker][row][column]: one of each worker
var<workgroup> arrived: atomic<u32>;                            // subgroups that have a number

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_size) subgroup_size: u32,
) {
  let range = k_range(group.z);
  let key = mask_key();
  var number = 0u;
  if (subgroupElect()) { number = atomicAdd(&arrived, 1u); }
  number = subgroupBroadcastFirst(number);
  let subgroups = INVOCATIONS / subgroup_size;

  // As in the tiled forms: four neighbours at one k, neighbouring invocations along the axis that is contiguous.
  let slow = lane / 16u;
  let fast = lane % 16u;
  let a_k = select(fast, slow, TRANSPOSE_A);
  let a_first = 4u * select(slow, fast, TRANSPOSE_A);
  let b_k = select(slow, fast, TRANSPOSE_B);
  let b_first = 4u * select(fast, slow, TRANSPOSE_B);
  let a_rows = rows_of_a(group.y * TILE + a_first);
  let b_columns = columns_of_b(group.x * TILE + b_first);

  for (var first = 0u; first < WORKERS; first += subgroups) {
    let worker = first + number;
    let row = worker * EACH / ACROSS * SIDE;
    let column = worker * EACH % ACROSS * SIDE;
    var sums: array<Block, EACH>;
    for (var k = range.x; k < range.y; k += K_STEP) {
      let x = quad(load_a(k + a_k, range.y, a_rows));
      let y = quad(load_b(k + b_k, range.y, b_columns));
      workgroupBarrier(); // the slices before are read to the end
      for (var i = 0u; i < 4u; i++) { tile_a[(a_first + i) * PITCH_A + a_k] = x[i]; }
      for (var i = 0u; i < 4u; i++) { tile_b[b_k * PITCH_B + b_first + i] = y[i]; }
      workgroupBarrier();
      if (worker < WORKERS) {
        for (var i = 0u; i < K_STEP; i += SIDE) {
          let left = subgroupMatrixLoad<Left, row_major>(&tile_a, row * PITCH_A + i, PITCH_A);
          for (var j = 0u; j < EACH; j++) {
            let right = subgroupMatrixLoad<Right, row_major>(&tile_b, i * PITCH_B + column + j * SIDE, PITCH_B);
            sums[j] = subgroupMatrixMultiplyAccumulate(left, right, sums[j]);
          }
        }
      }
    }
    for (var j = 0u; j < EACH; j++) {
      workgroupBarrier(); // the blocks before are stored
      if (worker < WORKERS) { subgroupMatrixStore<row_major>(&blocks, worker * SIDE * SIDE, sums[j], SIDE); }
      workgroupBarrier();
      let there = min(WORKERS, first + subgroups) - first;
      for (var i = 2u * lane; i < there * SIDE * SIDE; i += 2u * INVOCATIONS) {
        let of_worker = first + i / (SIDE * SIDE);
        let to_row = group.y * TILE + of_worker * EACH / ACROSS * SIDE + i / SIDE % SIDE;
        let to_column = group.x * TILE + of_worker * EACH % ACROSS * SIDE + j * SIDE + i % SIDE;
        let at = first * SIDE * SIDE + i;
        if (OUT_HALF) {
          store_halves(to_row, to_column, vec2f(blocks[at], blocks[at + 1u]), key);
        } else {
          store(to_row, to_column, blocks[at], group.z, key);
          store(to_row, to_column + 1u, blocks[at + 1u], group.z, key);
        }
      }
    }
  }
}
