// Threefry2x32-20 (Salmon et al. 2011): a counter-based generator. Equal (key, counter) give equal bits everywhere, so
// random values are replayed, never stored. TypeScript twin: src/random.ts.
fn threefry_round(x: vec2u, rotation: u32) -> vec2u {
  let a = x.x + x.y;
  return vec2u(a, ((x.y << rotation) | (x.y >> (32u - rotation))) ^ a);
}

fn threefry2x32(key: vec2u, counter: vec2u) -> vec2u {
  let k2 = 0x1BD11BDAu ^ key.x ^ key.y;
  var x = counter + key;
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
  x += vec2u(key.y, k2 + 1u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 17u), 29u), 16u), 24u);
  x += vec2u(k2, key.x + 2u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
  x += vec2u(key.x, key.y + 3u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 17u), 29u), 16u), 24u);
  x += vec2u(key.y, k2 + 4u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
  return x + vec2u(k2, key.x + 5u);
}

// Uniform in [0, 1) from the upper 24 bits.
fn unit_float(bits: u32) -> f32 {
  return f32(bits >> 8u) * 0x1p-24;
}

// Two independent standard normal values (Box-Muller). The first uniform lies in (0, 1], so the logarithm is finite;
// a device may compute it a little above 0 near 1.
fn normal_pair(bits: vec2u) -> vec2f {
  let radius = sqrt(max(0.0, -2.0 * log(f32((bits.x >> 8u) + 1u) * 0x1p-24)));
  let angle = 6.283185307179586 * unit_float(bits.y);
  return radius * vec2f(cos(angle), sin(angle));
}
