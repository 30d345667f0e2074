// Four neighbouring numbers in workgroup memory: as they are.
alias Quad = vec4f;

fn quad(x: vec4f) -> Quad {
  return x;
}

fn floats(x: Quad) -> vec4f {
  return x;
}
