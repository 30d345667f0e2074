// How the wide forms of matmul read four neighbours of B: as they are. fours-of-b-half.wgsl is the other way.
alias B = vec4f;

fn four_of_B(four: B) -> vec4f {
  return four;
}
