// bucket-sort, form without barriers for adapters that are CPUs: an invocation works alone, on a tile of histogram and
// scatter, or on a segment of scan.
//
//   Grid      one invocation for each tile or segment, in a line of workgroups of 8
//   Needs     shared/bucket-sort.wgsl, whose tiles are the plain form's
//   Numerics  integers; the same counts, starts and order as the plain form
// The specification (equation, shapes, cost, source, oracle) is in bucket-sort.wgsl.
@group(0) @binding(0) var<uniform>             params:    Params;
@group(0) @binding(1) var<storage, read>       ids:       array<u32>;
@group(0) @binding(2) var<storage, read>       orderIn:   array<u32>;
@group(0) @binding(3) var<storage, read_write> counts:    array<u32>;
@group(0) @binding(1) var<storage, read_write> positions: array<u32>;
@group(0) @binding(3) var<storage, read>       starts:    array<u32>;
@group(0) @binding(4) var<storage, read_write> order:     array<u32>;

const GROUP = 8u;

var<private> numbers: array<u32, 256>; // of each digit

fn tile_start(tile: u32) -> u32 { return tile * LANES * KEYS; }
fn tile_end(tile: u32) -> u32 { return min(params.length, tile_start(tile + 1u)); }

fn count_keys(segment: u32, tile: u32) {
  let end = tile_end(tile);
  for (var i = tile_start(tile); i < end; i++) { numbers[digit_of(segment, token_at(segment, i))] += 1u; }
}

@compute @workgroup_size(GROUP)
fn histogram(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
             @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + group.y * groups.x) * GROUP + lane;
  if (index >= params.segments * tiles()) { return; }
  let segment = index / tiles();
  let tile = index % tiles();
  count_keys(segment, tile);
  for (var digit = 0u; digit < RADIX; digit++) { counts[at_count(segment, digit, tile)] = numbers[digit]; }
}

@compute @workgroup_size(GROUP)
fn scan(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let segment = (group.x + group.y * groups.x) * GROUP + lane;
  if (segment >= params.segments) { return; }
  let count = RADIX * tiles();
  var running = 0u;
  for (var i = segment * count; i < (segment + 1u) * count; i++) {
    let here = positions[i];
    positions[i] = running;
    running += here;
  }
}

@compute @workgroup_size(GROUP)
fn scatter(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
           @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + group.y * groups.x) * GROUP + lane;
  if (index >= params.segments * tiles()) { return; }
  let segment = index / tiles();
  let tile = index % tiles();
  var running = 0u;
  if (SCANNED) {
    for (var digit = 0u; digit < RADIX; digit++) { numbers[digit] = starts[at_count(segment, digit, tile)]; }
  } else if (WHOLE) {
    count_keys(segment, tile);
    for (var digit = 0u; digit < RADIX; digit++) {
      let here = numbers[digit];
      numbers[digit] = running;
      running += here;
    }
  } else {
    for (var digit = 0u; digit < RADIX; digit++) {
      numbers[digit] = running + keys_of(segment, digit, tile);
      running += keys_of(segment, digit, tiles());
    }
  }
  let end = tile_end(tile);
  for (var i = tile_start(tile); i < end; i++) {
    let token = token_at(segment, i);
    let digit = digit_of(segment, token);
    order[segment * params.length + numbers[digit]] = token;
    numbers[digit] += 1u;
  }
}
