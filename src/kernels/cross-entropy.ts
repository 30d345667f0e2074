import source from "../../shaders/cross-entropy.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import workgroupSum from "../../shaders/shared/workgroup-sum.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

const sources = [control, workgroupSum, source];

/** Losses that one workgroup of sumLosses adds up; the WGSL file has the same constant. */
export const ROWS_PER_PARTIAL = 4096;

/** A workgroup serves one row: small vocabularies need few invocations. */
const workgroupFor = (vocab: number) => (vocab <= 1024 ? 64 : 256);

export interface CrossEntropyDims {
  /** Rows of logits, one per target. */
  readonly rows: number;
  /** Columns, 2 to 65,536. */
  readonly vocab: number;
  /** Weight ε of the uniform distribution in the target, 0 ≤ ε < 1. */
  readonly labelSmoothing: number;
  /** Whether the logits are replaced by their gradient. */
  readonly gradient: boolean;
}

/** Cross-entropy of every row, and in place its gradient. Equation, shapes and cost: shaders/cross-entropy.wgsl. */
export const crossEntropy = defineKernel<CrossEntropyDims>({
  name: "cross-entropy",
  sources,
  overrides: ({ vocab, labelSmoothing, gradient }) => ({
    WG: workgroupFor(vocab),
    VOCAB: vocab,
    LABEL_SMOOTHING: labelSmoothing,
    GRADIENT: Number(gradient),
  }),
  params: { rows: "u32" },
  bindings: {
    logits: { access: "read_write", shape: (d) => [d.rows, d.vocab] },
    targets: { access: "read", type: "i32", shape: (d) => [d.rows] },
    control: { access: "read", type: "u32", shape: () => [16] },
    losses: { access: "write", shape: (d) => [d.rows] },
  },
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({
    flops: d.rows * d.vocab * (d.gradient ? 8 : 4),
    bytes: 4 * d.rows * d.vocab * (d.gradient ? 3 : 1) + 8 * d.rows,
  }),
});

export interface CorrectPredictionsDims {
  readonly rows: number;
  readonly vocab: number;
}

/** 1 for every row whose largest logit is the target's, else 0. Shapes: shaders/cross-entropy.wgsl. */
export const correctPredictions = defineKernel<CorrectPredictionsDims>({
  name: "cross-entropy:correct_predictions",
  entryPoint: "correct_predictions",
  sources,
  overrides: ({ vocab }) => ({ WG: workgroupFor(vocab), VOCAB: vocab }),
  params: { rows: "u32" },
  bindings: {
    scores: { access: "read", shape: (d) => [d.rows, d.vocab] },
    targets: { access: "read", type: "i32", shape: (d) => [d.rows] },
    correct: { access: "write", shape: (d) => [d.rows] },
  },
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({ flops: 2 * d.rows * d.vocab, bytes: 4 * d.rows * (d.vocab + 2) }),
});

export interface SumLossesDims {
  /** Length of `terms`. */
  readonly rows: number;
}

/** First stage of a sum over rows: one partial sum per 4096 rows. Shapes: shaders/cross-entropy.wgsl. */
export const sumLosses = defineKernel<SumLossesDims>({
  name: "cross-entropy:sum_losses",
  entryPoint: "sum_losses",
  sources,
  overrides: () => ({ WG: 256 }),
  params: { rows: "u32" },
  bindings: {
    terms: { access: "read", shape: (d) => [d.rows] },
    sums: { access: "write", shape: (d) => [ceilDiv(d.rows, ROWS_PER_PARTIAL)] },
  },
  grid: (d) => [ceilDiv(d.rows, ROWS_PER_PARTIAL), 1, 1],
  cost: (d) => ({ flops: d.rows, bytes: 4 * d.rows }),
});

export interface RecordLossDims {
  /** Rows that sumLosses summed. */
  readonly rows: number;
  /** Rows of the results ring; the control's step chooses one. 1: always the same. */
  readonly slots: number;
  /** Numbers per row of the ring. */
  readonly columns: number;
  /** Which of them to write. */
  readonly column: number;
  /** Add to the number there, for a loss computed in several parts, instead of replacing it. */
  readonly add: boolean;
}

/** Second stage: lossScale times the sum, into a ring that the host reads now and then. Shapes: shaders/cross-entropy.wgsl. */
export const recordLoss = defineKernel<RecordLossDims>({
  name: "cross-entropy:record_loss",
  entryPoint: "record_loss",
  sources,
  overrides: ({ slots, columns, column, add }) => ({
    WG: 256,
    SLOTS: slots,
    COLUMNS: columns,
    COLUMN: column,
    ADD: Number(add),
  }),
  params: { rows: "u32" },
  bindings: {
    partials: { access: "read", shape: (d) => [ceilDiv(d.rows, ROWS_PER_PARTIAL)] },
    results: { access: "read_write", shape: (d) => [d.slots, d.columns] },
    control: { access: "read", type: "u32", shape: () => [16] },
  },
  grid: () => [1, 1, 1],
  cost: (d) => ({ flops: d.rows / ROWS_PER_PARTIAL, bytes: (4 * d.rows) / ROWS_PER_PARTIAL }),
});
