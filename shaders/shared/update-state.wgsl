// Words of the update state (f32[8]): what global-norm decides and the optimisers obey.
const STATE_NORM = 0u;
const STATE_CLIP = 1u;  // factor on every gradient, at most 1; undoes the scale of the loss too
const STATE_FAULT = 2u; // one of the faults below; anything but FAULT_NONE forbids the update
const STATE_LOSS_EXPONENT = 3u; // the next step takes gradients of 2^this times the loss
const STATE_GOOD_STEPS = 4u;    // in a row, since that scale was chosen
const STATE_WORDS = 8u;
const FAULT_NONE = 0.0;
const FAULT_NON_FINITE = 1.0; // a gradient, or the sum of their squares, is NaN or infinite
const FAULT_OVERFLOW = 2.0;   // a residual stream came near the end of its range
