// Four neighbouring numbers in workgroup memory, rounded to halves, on any device. Same values as quad-f16.wgsl.
alias Quad = vec2u;

const LARGEST_HALF = 65504.0;
const INFINITE_HALVES = 0x7c007c00u;

fn quad(x: vec4f) -> Quad {
  // A number out of range may become anything, a finite half too. It has to be seen, so the quad becomes infinite.
  if (any(abs(x) > vec4f(LARGEST_HALF))) { return vec2u(INFINITE_HALVES); }
  return vec2u(pack2x16float(x.xy), pack2x16float(x.zw));
}

fn floats(x: Quad) -> vec4f {
  return vec4f(unpack2x16float(x.x), unpack2x16float(x.y));
}
