// What all forms of lsh-hash share: settings, bindings, and where components, masks and buckets stand. Needs heads-f32.wgsl
// or heads-half.wgsl, and key-scale.wgsl; the including file binds what is hashed with as binding 2.
override HEADS: u32;
override ROUNDS: u32;
override COLUMNS: u32; // S
override MASKED: bool;
// Even factors of N in order; 1 where there is none.
override FACTOR_0: u32;
override FACTOR_1: u32;
override FACTOR_2: u32;
override FACTOR_3: u32;
override FACTOR_4: u32;
override FACTOR_5: u32;
override FACTOR_6: u32;
override FACTOR_7: u32;

// D is a parameter: software drivers would unroll loops bounded by an override, and compile for seconds.
struct Params { length: u32, headSize: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       qk:      array<Word>;
@group(0) @binding(3) var<storage, read>       keyMask: array<u32>;
@group(0) @binding(4) var<storage, read_write> buckets: array<u32>;
@group(0) @binding(5) var<storage, read_write> scale:   array<f32>;

fn factor_of(f: u32) -> u32 {
  let factors = array(FACTOR_0, FACTOR_1, FACTOR_2, FACTOR_3, FACTOR_4, FACTOR_5, FACTOR_6, FACTOR_7);
  return factors[f];
}

// Component `at` of all vectors.
fn component(at: u32) -> f32 { return number_of(qk[word_index(at)], at); }

// Whether a token of row (batch, head) is padding.
fn is_hidden(row: u32, token: u32) -> bool {
  if (!MASKED) { return false; }
  return keyMask[row / HEADS * params.length + token] == 0u;
}

// What makes the token a key, from the vector that is hashed.
fn put_scale(row: u32, token: u32) {
  let at = row * params.length + token;
  var squares = 0.0;
  for (var c = 0u; c < params.headSize; c++) {
    let x = component(at * params.headSize + c);
    squares += x * x;
  }
  scale[at] = select(key_scale(squares, f32(params.headSize)), 0.0, is_hidden(row, token));
}

fn at_bucket(row: u32, round: u32, token: u32) -> u32 { return (row * ROUNDS + round) * params.length + token; }
