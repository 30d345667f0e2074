// The heads as training and evaluation see them: what a loss reads and writes, and one function for all.
import type { HeadKind, ReformerConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import type { ScalarType } from "../gpu/kernel.js";
import { correctPredictions } from "../kernels/cross-entropy.js";
import { weighRows } from "../kernels/label-loss.js";
import type { Tensor } from "../scheduler/recording.js";
import { elements } from "../shapes.js";
import { classificationLoss } from "./classification-head.js";
import type { LayerContext } from "./context.js";
import { languageModelLoss } from "./head.js";
import { answerLoss } from "./question-answering-head.js";
import type { Streams } from "./reversible-block.js";

/** Heads whose loss is that of a token at every place. */
const PREDICTS_TOKENS: ReadonlySet<HeadKind> = new Set([
  "language-model",
  "masked-language-model",
  "sequence-to-sequence",
]);

/** Shapes of a head's tensors for a batch of padded sequences. */
export interface HeadShapes {
  readonly targets: readonly number[];
  readonly targetType: ScalarType;
  /** Of losses, and of weights where the head has them. */
  readonly losses: readonly number[];
  /** Of logits that are kept; a language model keeps none. */
  readonly scores: readonly number[] | undefined;
}

/** @throws {ConfigError} where the model has no head to train */
export function headShapes(config: ReformerConfig, batch: number, length: number): HeadShapes {
  const { head, numLabels, problemType } = config;
  switch (head) {
    case "language-model":
    case "masked-language-model":
    case "sequence-to-sequence": {
      const rows = [batch * length];
      return { targets: rows, targetType: "i32", losses: rows, scores: undefined };
    }
    case "classification": {
      const scores = [batch, numLabels];
      const single = problemType === "single-label";
      const targets = single ? [batch] : scores;
      return { targets, targetType: single ? "i32" : "f32", losses: [batch], scores };
    }
    case "question-answering": {
      const ends = [batch, 2];
      return { targets: ends, targetType: "i32", losses: ends, scores: [batch, 2, length] };
    }
    case "none":
      throw new ConfigError(
        "head is none, but training and losses need one: give the model a head, such as classification.",
        { field: "head" },
      );
    default:
      return head satisfies never;
  }
}

/** Whether a prediction of this head is right or wrong, so that a share of right ones can be counted. */
export function hasAccuracy({ head, problemType }: ReformerConfig): boolean {
  return head !== "classification" || problemType === "single-label";
}

/** What the loss of any head reads and writes; shapes as `headShapes` says. */
export interface HeadTensors {
  readonly targets: Tensor;
  readonly losses: Tensor;
  /** What each loss counts; heads other than a language model's need it. */
  readonly weights?: Tensor | undefined;
  readonly scores?: Tensor | undefined;
  /** f32 as losses: the weight where the most probable class is the target, else 0; in evaluations. */
  readonly correct?: Tensor | undefined;
}

/**
 * Loss of every target. With `gradients`, also that of Σ losses · the control's loss scale: adds the head's parameter
 * gradients and writes those of the two streams.
 */
export function headLoss(
  context: LayerContext,
  streams: Streams,
  { targets, losses, weights, scores, correct }: HeadTensors,
  labelSmoothing: number,
  gradients?: Streams,
): void {
  const { head } = context.config;
  if (PREDICTS_TOKENS.has(head)) {
    const tensors = { targets, losses, ...(correct ? { correct } : {}) };
    languageModelLoss(context, streams, tensors, labelSmoothing, gradients);
    return;
  }
  if (!weights || !scores) throw new Error("internal: no weights or scores");
  const tensors = { targets, losses, weights, scores };
  const loss = head === "classification" ? classificationLoss : answerLoss;
  loss(context, streams, tensors, labelSmoothing, gradients);
  if (!correct || !hasAccuracy(context.config)) return;
  const rows = elements(losses.shape);
  const dims = { rows, vocab: elements(scores.shape) / rows };
  context.recording.dispatch(correctPredictions, dims, { scores, targets, correct });
  context.recording.dispatch(weighRows, { rows, columns: 1 }, { values: correct, weights });
}
