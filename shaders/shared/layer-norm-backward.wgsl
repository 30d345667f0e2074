// Body of both backward kernels of layer-norm. Needs stream and row-sum or row-alone; the including file gives bindings,
// `fn word_at(row, column) -> i32` and `fn put_dx(row, column, value)`.
override SIZE: u32;          // columns of a stream
override COLUMNS: u32;       // D
override EPS: f32;
override ROWS_PER_PART: u32; // rows of one workgroup and of one partial sum

struct Params { rows: u32 }

var<workgroup> sh_stats: array<vec2f, ROWS_PER_PART>; // mean and 1/√(var + EPS)

fn normalized_at(row: u32, column: u32, stats: vec2f) -> f32 {
  return (stream_value(word_at(row, column)) - stats.x) * stats.y;
}

fn backward(part: u32, lane: u32) {
  let first_row = part * ROWS_PER_PART;

  // pass 1, GROUP_ROWS rows at a time: dx = (g - mean g - x̂·mean(g·x̂))/√(var + EPS), g = dOut·gamma
  for (var base = 0u; base < ROWS_PER_PART; base += GROUP_ROWS) {
    let r = base + lane / LANES;
    let row = first_row + r;
    let end = select(0u, COLUMNS, r < ROWS_PER_PART && row < params.rows);
    let first = lane % LANES;
    var sum = 0.0;
    for (var i = first; i < end; i += LANES) { sum += stream_value(word_at(row, i)); }
    let mean = row_sum(lane, vec2f(sum, 0.0)).x / f32(COLUMNS);
    var squares = 0.0;
    for (var i = first; i < end; i += LANES) {
      let centred = stream_value(word_at(row, i)) - mean;
      squares += centred * centred;
    }
    let scale = inverseSqrt(row_sum(lane, vec2f(squares, 0.0)).x / f32(COLUMNS) + EPS);
    let stats = vec2f(mean, scale);
    if (end > 0u && first == 0u) { sh_stats[r] = stats; }
    var sums = vec2f();
    for (var i = first; i < end; i += LANES) {
      let g = dOut[row * COLUMNS + i] * gamma[i];
      sums += g * vec2f(1.0, normalized_at(row, i, stats));
    }
    let means = row_sum(lane, sums) / f32(COLUMNS);
    for (var i = first; i < end; i += LANES) {
      let g = dOut[row * COLUMNS + i] * gamma[i];
      put_dx(row, i, (g - means.x - normalized_at(row, i, stats) * means.y) * scale);
    }
  }
  workgroupBarrier(); // sh_stats is complete

  // pass 2: sums over the part's rows, one column per invocation
  let rows = min(ROWS_PER_PART, params.rows - first_row);
  for (var i = lane; i < COLUMNS; i += LANES * GROUP_ROWS) {
    var d_gamma = 0.0;
    var d_beta = 0.0;
    for (var r = 0u; r < rows; r++) {
      let row = first_row + r;
      let d = dOut[row * COLUMNS + i];
      d_gamma += d * normalized_at(row, i, sh_stats[r]);
      d_beta += d;
    }
    dGammaParts[part * COLUMNS + i] = d_gamma;
    dBetaParts[part * COLUMNS + i] = d_beta;
  }
}
