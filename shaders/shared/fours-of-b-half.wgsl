// How the wide forms of matmul read four neighbours of B that are stored as halves. In the place of fours-of-b.wgsl; needs
// halves.wgsl.
alias B = vec2u;

fn four_of_B(four: B) -> vec4f {
  return four_halves(four);
}
