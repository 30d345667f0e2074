// What the labels of a recorded case mean.
import type { ProblemType } from "../../src/config/config.js";
import { type Case, tensorOf } from "./case.js";

export function hasLabels({ kind, tensors }: Case): boolean {
  return tensors.has(kind === "qa" ? "input/start_positions" : "input/labels");
}

/** The loss of a classification case: as configured, else by the number and type of its labels, as recorded. */
export function problemTypeOf(c: Case): ProblemType {
  const { config, details } = c;
  const settings = details.config as Readonly<Record<string, unknown>>;
  if (typeof settings.problem_type === "string" || config.numLabels === 1) return config.problemType;
  if (!hasLabels(c)) return "single-label";
  return tensorOf(c, "input/labels").data instanceof Int32Array ? "single-label" : "multi-label";
}

/** Start and end of every answer, [batch, 2]; -100 where it lies beyond the positions, which does not count. */
export function answerTargets(c: Case, positions: number): Int32Array<ArrayBuffer> {
  const starts = tensorOf(c, "input/start_positions").data;
  const ends = tensorOf(c, "input/end_positions").data;
  return Int32Array.from({ length: 2 * starts.length }, (_, i) => {
    const given = (i % 2 === 0 ? starts : ends)[i >> 1] as number;
    const position = Math.max(0, given);
    return position >= positions ? -100 : position;
  });
}
