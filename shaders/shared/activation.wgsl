// Activation functions and their derivatives by number (ACTIVATION_CODES in src/kernels/activation.ts), f32. Built on exp
// with bounded arguments, so that no intermediate is infinite. Absolute error below 2^-20·max(1, |x|), of derivatives 2^-19.
const LINEAR = 0u;
const RELU = 1u;
const GELU = 2u;       // x·Φ(x), Φ the normal distribution function
const GELU_NEW = 3u;   // x·sigmoid(2u), u = √(2/π)·(x + 0.044715·x³): the tanh form
const QUICK_GELU = 4u; // x·sigmoid(1.702·x)
const SILU = 5u;
const RELU6 = 6u;
const RELU2 = 7u;
const MISH = 8u;       // x·tanh(ln(1 + e^x))
const TANH = 9u;
const SIGMOID = 10u;
const GELU_10 = 11u;      // min(gelu(x), 10)
const LEAKY_RELU = 12u;   // slope 0.01 below 0
const HARDSWISH = 13u;    // x·relu6(x + 3)/6
const LAPLACE = 14u;      // Φ((x - μ)/σ)
const SQRTSOFTPLUS = 15u; // √ln(1 + e^x)

const SQRT_2_OVER_PI = 0.7978845608028654;
const INVERSE_SQRT_2PI = 0.3989422804014327;
const LEAK = 0.01;
const LAPLACE_MEAN = 0.707107;        // μ of the public reference, which rounds √(1/2)
const INVERSE_LAPLACE_SPREAD = 3.5449051; // 1/σ, σ = 0.282095: √(1/4π) rounded

fn sigmoid(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-x, 87.0))); // e^88 is near the largest f32
}

// Derivative of sigmoid, without the cancellation of s·(1 - s).
fn sigmoid_gradient(x: f32) -> f32 {
  let e = exp(-min(abs(x), 87.0));
  return e / ((1.0 + e) * (1.0 + e));
}

// Normal distribution function Φ. Both polynomials interpolate at Chebyshev nodes: Φ - 1/2 = x·p(x²) on |x| ≤ 1, and
// Φ(-x) = e^(-x²/2)·q(1 / (1 + 0.35·x)) on 1 ≤ x ≤ 13; relative error 3e-7.
fn normal_cdf(x: f32) -> f32 {
  let s = x * x;
  if (s <= 1.0) {
    return 0.5 + x * (0.39894229 + s * (-0.06649036 + s * (0.009973329
      + s * (-0.0011863439 + s * (0.0001135023 - s * 7.660538e-6)))));
  }
  let size = min(abs(x), 13.0); // Φ(-13) is below the smallest normal f32
  let t = 1.0 / (1.0 + 0.35 * size);
  let q = -9.678473e-6 + t * (0.13985649 + t * (0.13739598 + t * (0.13451743 + t * (0.05071374
    + t * (0.10990797 + t * (-0.05108933 + t * (-0.046889596 + t * 0.0256665)))))));
  let tail = exp(-0.5 * size * size) * q;
  return select(1.0 - tail, tail, x < 0.0);
}

// tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x·(e^x + 2).
fn tanh_softplus(x: f32) -> f32 {
  let e = exp(min(x, 20.0)); // beyond 20 the quotient is 1
  let n = e * (e + 2.0);
  return n / (n + 2.0);
}

// √ln(1 + e^x). With t = e/(2 + e) ≤ 1/3, ln(1 + e) = 2·atanh(t), a series of odd powers: however small e is, it keeps
// its digits (relative error 2e-8 from the powers that are left out).
fn sqrt_softplus(x: f32) -> f32 {
  let e = exp(-min(abs(x), 80.0)); // beyond, t would have no digits left
  let t = e / (2.0 + e);
  let s = t * t;
  let tail = 2.0 * t * (1.0 + s * (0.33333334 + s * (0.2 + s * (0.14285715 + s * (0.11111111 + s * (0.09090909
    + s * 0.07692308))))));
  return sqrt(max(x, 0.0) + tail);
}

fn activation(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case RELU: { return max(x, 0.0); }
    case GELU: { return x * normal_cdf(x); }
    case GELU_NEW: { return x * sigmoid(2.0 * SQRT_2_OVER_PI * x * (1.0 + 0.044715 * x * x)); }
    case QUICK_GELU: { return x * sigmoid(1.702 * x); }
    case SILU: { return x * sigmoid(x); }
    case RELU6: { return clamp(x, 0.0, 6.0); }
    case RELU2: { return max(x, 0.0) * max(x, 0.0); }
    case MISH: { return x * tanh_softplus(x); }
    case TANH: { return 2.0 * sigmoid(2.0 * x) - 1.0; }
    case SIGMOID: { return sigmoid(x); }
    case GELU_10: { return min(x * normal_cdf(x), 10.0); }
    case LEAKY_RELU: { return max(x, LEAK * x); }
    case HARDSWISH: { return x * clamp(x / 6.0 + 0.5, 0.0, 1.0); }
    case LAPLACE: { return normal_cdf((x - LAPLACE_MEAN) * INVERSE_LAPLACE_SPREAD); }
    case SQRTSOFTPLUS: { return sqrt_softplus(x); }
    default: { return x; }
  }
}

fn gelu_gradient(x: f32) -> f32 {
  return normal_cdf(x) + x * INVERSE_SQRT_2PI * exp(-0.5 * x * x);
}

// Derivative; at a corner that of its two sides' which is nearer to 0, but for gelu_10 the other, as in the public reference.
fn activation_gradient(kind: u32, x: f32) -> f32 {
  switch (kind) {
    case RELU: { return select(0.0, 1.0, x > 0.0); }
    case GELU: { return gelu_gradient(x); }
    case GELU_NEW: {
      let t = 2.0 * SQRT_2_OVER_PI * x * (1.0 + 0.044715 * x * x);
      return sigmoid(t) + 2.0 * SQRT_2_OVER_PI * x * (1.0 + 0.134145 * x * x) * sigmoid_gradient(t);
    }
    case QUICK_GELU: { return sigmoid(1.702 * x) + 1.702 * x * sigmoid_gradient(1.702 * x); }
    case SILU: { return sigmoid(x) + x * sigmoid_gradient(x); }
    case RELU6: { return select(0.0, 1.0, x > 0.0 && x < 6.0); }
    case RELU2: { return 2.0 * max(x, 0.0); }
    case MISH: { let t = tanh_softplus(x); return t + x * sigmoid(x) * (1.0 - t * t); }
    case TANH: { return 4.0 * sigmoid_gradient(2.0 * x); }
    case SIGMOID: { return sigmoid_gradient(x); }
    case GELU_10: { return select(0.0, gelu_gradient(x), x <= 10.0); }
    case LEAKY_RELU: { return select(LEAK, 1.0, x > 0.0); }
    case HARDSWISH: { return select(select(0.0, 1.0, x > 0.0), x / 3.0 + 0.5, abs(x) < 3.0); }
    case LAPLACE: {
      let z = (x - LAPLACE_MEAN) * INVERSE_LAPLACE_SPREAD;
      return INVERSE_SQRT_2PI * INVERSE_LAPLACE_SPREAD * exp(-0.5 * z * z);
    }
    case SQRTSOFTPLUS: { return 0.5 * sigmoid(x) / sqrt_softplus(x); }
    default: { return 1.0; }
  }
}
