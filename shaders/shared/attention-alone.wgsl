// Attention by one invocation per block of 8 rows, against tiles of 8 rows of the other side: the two products. Needs
// attention.wgsl; the including file gives `fn own_number(role, side, at) -> f32` and `fn tile_number(role, side, at)`,
// numbers of a row of the block and of one of the tile, and the running result: `fn result_at(role, at) -> f32`
// and `fn put_result(role, at, value)`.
override WG: u32;

// The two vectors of a token that meet those of another: in scores, and as values or in the gradients of weights.
const SCORED = 0u;
const VALUED = 1u;

// Dot products of 8 rows of the block and 8 of the tile: [j] with rows 0 to 3, [8 + j] with rows 4 to 7.
fn products(role: u32, side: u32, own0: vec4u, own1: vec4u, tile0: vec4u, tile1: vec4u) -> array<vec4f, 16> {
  var s00 = vec4f();
  var s01 = vec4f();
  var s02 = vec4f();
  var s03 = vec4f();
  var s04 = vec4f();
  var s05 = vec4f();
  var s06 = vec4f();
  var s07 = vec4f();
  var s10 = vec4f();
  var s11 = vec4f();
  var s12 = vec4f();
  var s13 = vec4f();
  var s14 = vec4f();
  var s15 = vec4f();
  var s16 = vec4f();
  var s17 = vec4f();
  for (var d = 0u; d < params.headSize; d++) {
    let x0 = vec4f(own_number(role, side, own0.x + d), own_number(role, side, own0.y + d),
                   own_number(role, side, own0.z + d), own_number(role, side, own0.w + d));
    let x1 = vec4f(own_number(role, side, own1.x + d), own_number(role, side, own1.y + d),
                   own_number(role, side, own1.z + d), own_number(role, side, own1.w + d));
    let y0 = tile_number(role, side, tile0.x + d);
    s00 += x0 * y0;
    s10 += x1 * y0;
    let y1 = tile_number(role, side, tile0.y + d);
    s01 += x0 * y1;
    s11 += x1 * y1;
    let y2 = tile_number(role, side, tile0.z + d);
    s02 += x0 * y2;
    s12 += x1 * y2;
    let y3 = tile_number(role, side, tile0.w + d);
    s03 += x0 * y3;
    s13 += x1 * y3;
    let y4 = tile_number(role, side, tile1.x + d);
    s04 += x0 * y4;
    s14 += x1 * y4;
    let y5 = tile_number(role, side, tile1.y + d);
    s05 += x0 * y5;
    s15 += x1 * y5;
    let y6 = tile_number(role, side, tile1.z + d);
    s06 += x0 * y6;
    s16 += x1 * y6;
    let y7 = tile_number(role, side, tile1.w + d);
    s07 += x0 * y7;
    s17 += x1 * y7;
  }
  return array<vec4f, 16>(s00, s01, s02, s03, s04, s05, s06, s07,
                          s10, s11, s12, s13, s14, s15, s16, s17);
}

// Makes the result of 8 rows what it was times `keep`, plus the tile's 8 rows times `w`. What `keep` of 0 drops may be NaN.
fn add_tile(
  role: u32, side: u32, own0: vec4u, own1: vec4u, tile0: vec4u, tile1: vec4u,
  keep0: vec4f, keep1: vec4f, w: array<vec4f, 16>,
) {
  let w00 = w[0];
  let w01 = w[1];
  let w02 = w[2];
  let w03 = w[3];
  let w04 = w[4];
  let w05 = w[5];
  let w06 = w[6];
  let w07 = w[7];
  let w10 = w[8];
  let w11 = w[9];
  let w12 = w[10];
  let w13 = w[11];
  let w14 = w[12];
  let w15 = w[13];
  let w16 = w[14];
  let w17 = w[15];
  for (var d = 0u; d < params.headSize; d++) {
    var sum0 = select(results(role, own0 + vec4u(d)) * keep0, vec4f(), keep0 == vec4f());
    var sum1 = select(results(role, own1 + vec4u(d)) * keep1, vec4f(), keep1 == vec4f());
    let y0 = tile_number(role, side, tile0.x + d);
    sum0 += w00 * y0;
    sum1 += w10 * y0;
    let y1 = tile_number(role, side, tile0.y + d);
    sum0 += w01 * y1;
    sum1 += w11 * y1;
    let y2 = tile_number(role, side, tile0.z + d);
    sum0 += w02 * y2;
    sum1 += w12 * y2;
    let y3 = tile_number(role, side, tile0.w + d);
    sum0 += w03 * y3;
    sum1 += w13 * y3;
    let y4 = tile_number(role, side, tile1.x + d);
    sum0 += w04 * y4;
    sum1 += w14 * y4;
    let y5 = tile_number(role, side, tile1.y + d);
    sum0 += w05 * y5;
    sum1 += w15 * y5;
    let y6 = tile_number(role, side, tile1.z + d);
    sum0 += w06 * y6;
    sum1 += w16 * y6;
    let y7 = tile_number(role, side, tile1.w + d);
    sum0 += w07 * y7;
    sum1 += w17 * y7;
    put_results(role, own0 + vec4u(d), sum0);
    put_results(role, own1 + vec4u(d), sum1);
  }
}

fn results(role: u32, at: vec4u) -> vec4f {
  return vec4f(result_at(role, at.x), result_at(role, at.y), result_at(role, at.z), result_at(role, at.w));
}

// Rows beyond the end of a block repeat its last one, so equal values may go to one place.
fn put_results(role: u32, at: vec4u, values: vec4f) {
  put_result(role, at.x, values.x);
  put_result(role, at.y, values.y);
  put_result(role, at.z, values.z);
  put_result(role, at.w, values.w);
}
