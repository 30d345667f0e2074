// How the wide forms of matmul read four neighbours of A that are stored as halves. In the place of fours-of-a.wgsl; needs
// halves.wgsl.
alias A = vec2u;

fn four_of_A(four: A) -> vec4f {
  return four_halves(four);
}
