enable f16;
// Four neighbouring numbers in workgroup memory, rounded to halves, on devices with shader-f16. Same values as
// quad-half.wgsl; without bitcasts between sizes, which Naga does not know.
alias Quad = vec4<f16>;

const LARGEST_HALF = 65504.0;

fn quad(x: vec4f) -> Quad {
  // A number out of range may become anything, a finite half too. It has to be seen, so the quad becomes infinite.
  if (any(abs(x) > vec4f(LARGEST_HALF))) {
    var infinite_halves = 0x7c007c00u; // a variable: constants may not be infinite
    return Quad(unpack2x16float(infinite_halves).xyxy);
  }
  return Quad(x);
}

fn floats(x: Quad) -> vec4f {
  return vec4f(x);
}
