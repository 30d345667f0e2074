// Residual streams: int32 fixed point with 16 fractional bits where FIXED_POINT, else f32 bits. Adding and subtracting
// the same rounded integer is exact, so a reversible layer inverts to the bit.
override FIXED_POINT: bool;
const STREAM_SCALE = 65536.0;
const STREAM_STEP = 1.0 / 65536.0;

fn stream_value(word: i32) -> f32 {
  if (FIXED_POINT) { return f32(word) * STREAM_STEP; }
  return bitcast<f32>(word);
}

fn stream_word(value: f32) -> i32 {
  if (FIXED_POINT) { return i32(round(value * STREAM_SCALE)); }
  return bitcast<i32>(value);
}

// The stream word of (word + value).
fn stream_add(word: i32, value: f32) -> i32 {
  if (FIXED_POINT) { return word + i32(round(value * STREAM_SCALE)); }
  return bitcast<i32>(bitcast<f32>(word) + value);
}
