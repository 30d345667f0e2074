// Completes and checks the settings of the head.
import {
  count,
  HEADS,
  type HeadConfig,
  type HeadKind,
  POOLINGS,
  PROBLEM_TYPES,
  type ReformerOptions,
} from "./fields.js";

/** The checks of `resolveConfig`, which name the field and what is needed. */
export interface Checks {
  readonly fail: (field: string, given: unknown, needed: string) => never;
  readonly number: (field: string, given: unknown, rule: ReturnType<typeof count>) => number;
  readonly choice: <T extends string>(field: string, given: unknown, allowed: readonly T[]) => T;
}

/** Outputs of a question-answering head: where an answer starts, and where it ends. */
const ANSWER_ENDS = 2;

/** The head where none is named: the language model that the direction of attention allows. */
export function defaultHead(causal: unknown): HeadKind {
  return causal === false ? "masked-language-model" : "language-model";
}

/** Names of labels where none are given, as public checkpoints have them. */
export function defaultLabels(numLabels: number): string[] {
  return Array.from({ length: numLabels }, (_, i) => `LABEL_${i}`);
}

/** @throws {ConfigError} naming the field */
export function resolveHead(
  { fail, number, choice }: Checks,
  options: ReformerOptions,
  { vocabSize, numLabels: given }: { readonly vocabSize: number; readonly numLabels: number },
): HeadConfig {
  const head = choice("head", options.head ?? defaultHead(options.causal), HEADS);
  const numLabels = options.numLabels === undefined ? (options.labels?.length ?? given) : given;
  const labels = options.labels ?? defaultLabels(numLabels);
  const named = Array.isArray(labels) && labels.every((label) => typeof label === "string");
  if (!named || labels.length !== numLabels || new Set(labels).size !== labels.length || numLabels < 1) {
    fail("labels", labels, `a list of ${Math.max(1, numLabels)} different names (numLabels)`);
  }
  if (head === "question-answering" && numLabels !== ANSWER_ENDS) {
    fail("numLabels", numLabels, "2 for question answering: the start and the end of the answer");
  }
  const natural = numLabels === 1 ? "regression" : "single-label";
  const problemType = choice("problemType", options.problemType ?? natural, PROBLEM_TYPES);
  if (problemType === "single-label" && numLabels < 2) {
    fail("numLabels", numLabels, 'at least 2 where problemType is "single-label": one label says nothing');
  }
  const dropout = options.classifierDropout ?? null;
  const mask = options.maskTokenId ?? null;
  return {
    head,
    numLabels,
    labels: [...labels],
    problemType,
    classifierPooling: choice("classifierPooling", options.classifierPooling ?? "first", POOLINGS),
    classifierDropout:
      dropout === null
        ? null
        : number("classifierDropout", dropout, { fallback: 0, min: 0, max: 0.999, integer: false }),
    maskTokenId: mask === null ? null : number("maskTokenId", mask, count(0, 0, vocabSize - 1)),
  };
}
