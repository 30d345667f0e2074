// `webgpu-reformer/metrics`: how good predictions are, without a GPU. Apart, so that pages that only train and write do not
// load it.
export { ShapeError } from "./errors.js";
export { accuracy, areaUnderRoc, calibrationError, exactMatch, macroF1, tokenF1 } from "./tasks/metrics.js";
