// row-starts: the first elements of every row of a matrix, and back. The matrix may be cut in slabs, one per dispatch.
//
//   take   starts[r,j] ← x[r,j]                          j < COUNT, where the slab holds x[r,j]
//   put    dx[r,j] = dStarts[r,j] where j < COUNT, else 0
//
//   x, dx            [size]         i32 (words of any type), f32  elements offset … offset + size − 1 of [rows, COLUMNS]
//   starts, dStarts  [rows, COUNT]  i32 (words), f32
//
//   Grid      take: ⌈rows·COUNT/256⌉, put: ⌈size/256⌉ workgroups in a line, one invocation per element
//   Cost      8 bytes per element; put writes the whole slab
//   Numerics  copies bits
//   Source    HF ReformerClassificationHead reads the first token. Oracle: test/oracle/row-starts.ts
override COLUMNS: u32;
override COUNT: u32;

struct Params { rows: u32, offset: u32, size: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       x:       array<i32>;
@group(0) @binding(2) var<storage, read_write> starts:  array<i32>;
@group(0) @binding(1) var<storage, read>       dStarts: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx:      array<f32>;

@compute @workgroup_size(256)
fn take(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.rows * COUNT) { return; }
  let place = i / COUNT * COLUMNS + i % COUNT;
  if (place < params.offset || place - params.offset >= params.size) { return; }
  starts[i] = x[place - params.offset];
}

@compute @workgroup_size(256)
fn put(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.size) { return; }
  let place = params.offset + i;
  let column = place % COLUMNS;
  var value = 0.0;
  if (column < COUNT) { value = dStarts[place / COLUMNS * COUNT + column]; }
  dx[i] = value;
}
