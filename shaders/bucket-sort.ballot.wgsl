// bucket-sort:scatter, form for adapters with wide subgroups: neighbouring invocations read neighbouring keys, and those of a
// subgroup with equal digits find each other by ballots, one for every bit of the digit.
//
//   Grid      one workgroup of LANES invocations for each tile of LANES·KEYS positions of a segment
//   Method    each subgroup has a piece of the tile: it counts its digits; counts become places behind those of the pieces
//             before; then it goes through its piece again, a key for each invocation at a time
//   Cost      log2 RADIX ballots, an atomic addition and a shuffle for as many keys as a subgroup is wide
//   Memory    RADIX·(LANES + 4) bytes: subgroups have 4 invocations or more
//   Needs     `enable subgroups;` first, and shared/bucket-sort.wgsl, whose tiles are the plain form's
//   Numerics  integers; the same order as the plain form's, however invocations are spread over subgroups
//   Source    warp-level multisplit (Ashkiani et al. 2016)
// The specification (equation, shapes, source, oracle) is in bucket-sort.wgsl.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       ids:     array<u32>;
@group(0) @binding(2) var<storage, read>       orderIn: array<u32>;
@group(0) @binding(3) var<storage, read>       starts:  array<u32>;
@group(0) @binding(4) var<storage, read_write> order:   array<u32>;

var<workgroup> arrived: atomic<u32>; // subgroups that have a piece
var<workgroup> totals:  array<u32, RADIX>; // keys of each digit in all tiles, if not SCANNED
var<workgroup> places:  array<atomic<u32>, RADIX * LANES / 4u>; // [piece][digit]: counts, then where the next key goes

fn bits_in(mask: vec4u) -> u32 {
  let counts = countOneBits(mask);
  return counts.x + counts.y + counts.z + counts.w;
}

// Bits of the invocations of a subgroup before one of them.
fn before(invocation: u32) -> vec4u {
  let first = vec4u(0u, 32u, 64u, 96u);
  let here = clamp(vec4u(invocation), first, first + 32u) - first;
  return select(vec4u(0xffffffffu), (vec4u(1u) << (here & vec4u(31u))) - 1u, here < vec4u(32u));
}

fn first_in(mask: vec4u) -> u32 {
  if (mask.x != 0u) { return firstTrailingBit(mask.x); }
  if (mask.y != 0u) { return 32u + firstTrailingBit(mask.y); }
  if (mask.z != 0u) { return 64u + firstTrailingBit(mask.z); }
  return 96u + firstTrailingBit(mask.w);
}

@compute @workgroup_size(LANES)
fn scatter(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_size) subgroup_size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  let index = group.x + group.y * groups.x;
  if (index >= params.segments * tiles()) { return; }
  let segment = index / tiles();
  let tile = index % tiles();
  let width = min(subgroup_size, LANES);
  let pieces = LANES / width;

  // Any subgroup may have any piece: the order does not depend on it.
  var piece = 0u;
  if (subgroupElect()) { piece = atomicAdd(&arrived, 1u); }
  piece = subgroupBroadcastFirst(piece);
  let size = width * KEYS;
  let start = tile * LANES * KEYS + piece * size;
  let end = min(params.length, start + size);

  // Pass 1: every piece counts its digits.
  for (var i = start + place; i < end; i += width) {
    atomicAdd(&places[piece * RADIX + digit_of(segment, token_at(segment, i))], 1u);
  }
  workgroupBarrier();
  if (!SCANNED) {
    for (var digit = lane; digit < RADIX; digit += LANES) {
      if (WHOLE) {
        for (var other = 0u; other < pieces; other++) { totals[digit] += atomicLoad(&places[other * RADIX + digit]); }
      } else {
        totals[digit] = keys_of(segment, digit, tiles());
      }
    }
    workgroupBarrier();
  }
  // Pass 2: counts become places.
  for (var digit = lane; digit < RADIX; digit += LANES) {
    var running = 0u;
    if (SCANNED) {
      running = starts[at_count(segment, digit, tile)];
    } else {
      if (!WHOLE) { running = keys_of(segment, digit, tile); }
      for (var other = 0u; other < digit; other++) { running += totals[other]; }
    }
    for (var other = 0u; other < pieces; other++) {
      let here = atomicLoad(&places[other * RADIX + digit]);
      atomicStore(&places[other * RADIX + digit], running);
      running += here;
    }
  }
  workgroupBarrier();
  // Pass 3: the first of equal keys takes places for all of them.
  for (var row = 0u; row < KEYS; row++) {
    let i = start + row * width + place;
    let live = i < end;
    var token = 0u;
    var digit = 0u;
    if (live) {
      token = token_at(segment, i);
      digit = digit_of(segment, token);
    }
    var equal = subgroupBallot(live);
    for (var bit = 1u; bit < RADIX; bit *= 2u) {
      let has_it = (digit & bit) != 0u;
      let having = subgroupBallot(has_it);
      equal &= select(~having, having, has_it);
    }
    let rank = bits_in(equal & before(place));
    var taken = 0u;
    if (live && rank == 0u) { taken = atomicAdd(&places[piece * RADIX + digit], bits_in(equal)); }
    taken = subgroupShuffle(taken, select(place, first_in(equal), live));
    if (live) { order[segment * params.length + taken + rank] = token; }
  }
}
