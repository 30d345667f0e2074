// The control words of a training step are those of every run.
export * from "../model/control.js";
