// For the epilogue of a matmul that stores its result alone. matmul-keep.wgsl and matmul-pair.wgsl stand in
// for it.
fn keep_sum(at: u32, value: f32) {}

fn put(in_second: bool, at: u32, word: Out) {
  out[at] = word;
}
