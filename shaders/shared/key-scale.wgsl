// The factor that turns a vector of `size` numbers, whose squares sum to `squares`, into an attention key.
const NORM_EPSILON = 1e-6; // beside the mean square
fn key_scale(squares: f32, size: f32) -> f32 {
  return 1.0 / sqrt((squares / size + NORM_EPSILON) * size);
}
