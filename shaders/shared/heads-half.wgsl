// How the numbers of projected heads lie in memory: as halves, two to a u32. In the place of heads-f32.wgsl; needs
// halves.wgsl.
alias Word = u32;
alias Vector = vec2u; // four neighbouring numbers

fn word_index(at: u32) -> u32 {
  return at / 2u;
}
fn number_of(word: Word, at: u32) -> f32 {
  return half_of(word, at);
}

fn numbers_of(vector: Vector) -> vec4f {
  return four_halves(vector);
}

fn words_index(at: u32) -> u32 {
  return at / 2u;
}
fn vector_of(words: vec4u, at: u32) -> vec4f {
  return numbers_of(select(words.xy, words.zw, at % 2u == 1u));
}
