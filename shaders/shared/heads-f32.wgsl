// How the numbers of projected heads (queries, keys, values) lie in memory: as f32. heads-half.wgsl is the other way.
alias Word = f32;
alias Vector = vec4f; // four neighbouring numbers

// Where number `at` stands, and the number.
fn word_index(at: u32) -> u32 {
  return at;
}
fn number_of(word: Word, at: u32) -> f32 {
  return word;
}

fn numbers_of(vector: Vector) -> vec4f {
  return vector;
}

// Four words as another binding has them: which of them hold vector `at`, and the vector.
fn words_index(at: u32) -> u32 {
  return at;
}
fn vector_of(words: vec4u, at: u32) -> vec4f {
  return bitcast<vec4f>(words);
}
