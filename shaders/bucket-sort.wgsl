// bucket-sort: one pass of a stable counting sort of token positions by bucket id, segment by segment.
//
//   digit(t)  = (ids[s,t] >> shift) mod RADIX
//   order[s,] = orderIn[s,] (0, 1, 2, … in the first pass) rearranged by ascending digit, ties in the given order
//   A pass for each digit, the lowest first, sorts by the whole id. A segment is one (batch, head, round).
//   A pass is three dispatches, histogram, scan and scatter; without the scan where every tile adds the counts up itself
//   (not SCANNED: segments of up to 2^16 keys); or scatter alone, of segments of one tile (WHOLE).
//
//   ids        [segments,L]             u32
//   orderIn    [segments,L]             u32  the pass before's order; absent in the first pass
//   counts     [segments,RADIX,tiles]   u32  out of histogram: keys of each digit in each tile
//   positions  [segments,RADIX,tiles]   u32  of scan, in place: counts → keys before (digit, tile) in digit-major order
//   starts     [segments,RADIX,tiles]   u32  into scatter: the same, the counts if not SCANNED, absent if WHOLE
//   order      [segments,L]             u32  out of scatter: a permutation of 0 … L − 1 in every segment
//
//   Grid    histogram, scatter: a workgroup for each tile of LANES·KEYS positions of a segment; scan: one for each segment
//   Cost    reads ids twice (three times with a histogram), writes order once; of counts 4 bytes·RADIX / tile for every key,
//           four times, or, without scan, once and once more for each tile of the segment
//   Memory  scatter 2·RADIX·LANES bytes: no more than 16 KiB where LANES is 64 up to RADIX 128, and 32 up to 256
//   Numerics  integers; the result does not depend on timing
//   Source  reduce-then-scan radix sort; private counters for each lane; ranks by ballots in bucket-sort.ballot.wgsl.
//           Oracle: test/oracle/bucket-sort.ts
//   Needs   shared/bucket-sort.wgsl
@group(0) @binding(0) var<uniform>             params:    Params;
@group(0) @binding(1) var<storage, read>       ids:       array<u32>;
@group(0) @binding(2) var<storage, read>       orderIn:   array<u32>;
@group(0) @binding(3) var<storage, read_write> counts:    array<u32>;
@group(0) @binding(1) var<storage, read_write> positions: array<u32>;
@group(0) @binding(3) var<storage, read>       starts:    array<u32>;
@group(0) @binding(4) var<storage, read_write> order:     array<u32>;

const GROUP = 256u; // invocations of histogram and scan

var<workgroup> tally: array<atomic<u32>, RADIX>; // integer sums: any order of addition gives the same

@compute @workgroup_size(GROUP)
fn histogram(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
             @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= params.segments * tiles()) { return; }
  let segment = index / tiles();
  let tile = index % tiles();
  for (var digit = lane; digit < RADIX; digit += GROUP) { atomicStore(&tally[digit], 0u); }
  workgroupBarrier();
  let end = min(params.length, (tile + 1u) * LANES * KEYS);
  for (var i = tile * LANES * KEYS + lane; i < end; i += GROUP) {
    atomicAdd(&tally[digit_of(segment, token_at(segment, i))], 1u);
  }
  workgroupBarrier();
  for (var digit = lane; digit < RADIX; digit += GROUP) {
    counts[at_count(segment, digit, tile)] = atomicLoad(&tally[digit]);
  }
}

var<workgroup> sums: array<u32, GROUP>;

@compute @workgroup_size(GROUP)
fn scan(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let segment = group.x + group.y * groups.x;
  if (segment >= params.segments) { return; }
  // Each invocation owns a consecutive piece of the segment's counts.
  let count = RADIX * tiles();
  let piece = (count + GROUP - 1u) / GROUP;
  let first = segment * count + min(lane * piece, count);
  let end = segment * count + min((lane + 1u) * piece, count);
  var total = 0u;
  for (var i = first; i < end; i++) { total += positions[i]; }
  // Inclusive scan of the totals (Hillis and Steele).
  sums[lane] = total;
  for (var step = 1u; step < GROUP; step *= 2u) {
    workgroupBarrier();
    var before = 0u;
    if (lane >= step) { before = sums[lane - step]; }
    workgroupBarrier();
    sums[lane] += before;
  }
  var running = sums[lane] - total;
  for (var i = first; i < end; i++) {
    let here = positions[i];
    positions[i] = running;
    running += here;
  }
}

// [RADIX / 2][LANES] counters, two digits to a word. A lane touches its own column only, except in the row scan.
var<workgroup> counters: array<u32, RADIX / 2u * LANES>;

// Rows are rotated against each other: neither a row nor a column falls into one memory bank.
fn at_counter(row: u32, lane: u32) -> u32 { return row * LANES + (lane + row) % LANES; }

// Counts every lane's keys of a tile by digit, then adds to each count those of the lanes before.
fn count_keys(segment: u32, first: u32, end: u32, lane: u32) {
  let rows = RADIX / 2u;
  for (var row = 0u; row < rows; row++) { counters[at_counter(row, lane)] = 0u; }
  for (var i = first; i < end; i++) {
    let digit = digit_of(segment, token_at(segment, i));
    counters[at_counter(digit / 2u, lane)] += 1u << (16u * (digit % 2u));
  }
  workgroupBarrier();
  for (var row = lane; row < rows; row += LANES) {
    var running = 0u;
    for (var other = 0u; other < LANES; other++) {
      let at = at_counter(row, other);
      running += counters[at];
      counters[at] = running;
    }
  }
  workgroupBarrier();
}

// What the digit's counter of this lane says with one key less: lanes place their keys from the last to the first.
fn take_last(digit: u32, lane: u32) -> u32 {
  let at = at_counter(digit / 2u, lane);
  let shift = 16u * (digit % 2u);
  counters[at] -= 1u << shift;
  return (counters[at] >> shift) & 0xffffu;
}

@compute @workgroup_size(LANES)
fn scatter(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
           @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= params.segments * tiles()) { return; }
  let segment = index / tiles();
  let tile = index % tiles();
  let first = (tile * LANES + lane) * KEYS;
  let end = min(params.length, first + KEYS);
  var before: array<u32, 4>; // keys before a lane's rows, two digits to a word: 128 rows of 32 lanes at most
  if (!SCANNED && !WHOLE) {
    for (var row = lane; row < RADIX / 2u; row += LANES) {
      let even = keys_of(segment, 2u * row, tiles());
      counters[row] = even + keys_of(segment, 2u * row + 1u, tiles());
      before[row / LANES] = keys_of(segment, 2u * row, tile)
                          + ((even + keys_of(segment, 2u * row + 1u, tile)) << 16u);
    }
    workgroupBarrier();
    for (var row = lane; row < RADIX / 2u; row += LANES) {
      for (var other = 0u; other < row; other++) { before[row / LANES] += 0x10001u * counters[other]; }
    }
    workgroupBarrier(); // the counters are free again
  }
  count_keys(segment, first, end, lane);
  if (WHOLE) { // the last lane's counts are the segment's
    for (var row = lane; row < RADIX / 2u; row += LANES) {
      before[row / LANES] = (counters[at_counter(row, LANES - 1u)] & 0xffffu) << 16u;
      for (var other = 0u; other < row; other++) {
        let both = counters[at_counter(other, LANES - 1u)];
        before[row / LANES] += 0x10001u * ((both & 0xffffu) + (both >> 16u));
      }
    }
    workgroupBarrier();
  }
  // No sum above 2^16 is read: an even digit's carry comes only where no odd one's keys follow.
  if (!SCANNED) {
    for (var row = lane; row < RADIX / 2u; row += LANES) {
      for (var other = 0u; other < LANES; other++) { counters[at_counter(row, other)] += before[row / LANES]; }
    }
    workgroupBarrier();
  }
  for (var i = end; i > first; i--) {
    let token = token_at(segment, i - 1u);
    let digit = digit_of(segment, token);
    var place = take_last(digit, lane);
    if (SCANNED) { place += starts[at_count(segment, digit, tile)]; }
    order[segment * params.length + place] = token;
  }
}
