// For the epilogue of a matmul that also stores what goes into dropout and activation. Stands in for matmul-plain.wgsl.
@group(0) @binding(8) var<storage, read_write> kept: array<f32>;

fn keep_sum(at: u32, value: f32) {
  kept[at] = value;
}

fn put(in_second: bool, at: u32, word: Out) {
  out[at] = word;
}
