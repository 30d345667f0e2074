// For the epilogue of a matmul that stores its result alone. matmul-keep.wgsl stands in for it.
fn keep_sum(at: u32, value: f32) {}
