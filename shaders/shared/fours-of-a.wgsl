// How the wide forms of matmul read four neighbours of A: as they are. fours-of-a-half.wgsl is the other way.
alias A = vec4f;

fn four_of_A(four: A) -> vec4f {
  return four;
}
