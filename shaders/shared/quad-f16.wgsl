enable f16;
// Four neighbouring numbers in workgroup memory, rounded to halves, on devices with shader-f16. Same values as
// quad-half.wgsl.
alias Quad = vec2u;

const LARGEST_HALF = 65504.0;
const INFINITE_HALVES = 0x7c007c00u;

fn quad(x: vec4f) -> Quad {
  // A number out of range may become anything, a finite half too. It has to be seen, so the quad becomes infinite.
  if (any(abs(x) > vec4f(LARGEST_HALF))) { return vec2u(INFINITE_HALVES); }
  return bitcast<vec2u>(vec4<f16>(x));
}

fn floats(x: Quad) -> vec4f {
  return vec4f(bitcast<vec4<f16>>(x));
}
