// The names of heads and labels in public config.json files. A file names its head in `architectures`.

import { ConfigError } from "../errors.js";
import type { HeadConfig, HeadKind, ProblemType, ReformerConfig } from "./config.js";
import { defaultHead, defaultLabels } from "./heads.js";

const ARCHITECTURES = {
  "language-model": "ReformerModelWithLMHead",
  "masked-language-model": "ReformerForMaskedLM",
  classification: "ReformerForSequenceClassification",
  "question-answering": "ReformerForQuestionAnswering",
  "sequence-to-sequence": "ReformerForSequenceToSequence",
  none: "ReformerModel",
} as const satisfies Record<HeadKind, string>;

const PROBLEM_TYPES = {
  "single-label": "single_label_classification",
  "multi-label": "multi_label_classification",
  regression: "regression",
} as const satisfies Record<ProblemType, string>;

/** Keys read and written here; `architectures` stays among the unknown ones, with what else a file lists there. */
export const HEAD_KEYS = [
  "num_labels",
  "id2label",
  "label2id",
  "problem_type",
  "classifier_dropout",
  "mask_token_id",
] as const;

/**
 * The head's settings; undefined where the file leaves one open.
 * @throws {ConfigError} naming the key
 */
export function headFromHuggingFace(entries: ReadonlyMap<string, unknown>): {
  readonly [K in keyof Omit<HeadConfig, "classifierPooling">]: unknown;
} {
  const architectures = entries.get("architectures");
  const listed: unknown[] = Array.isArray(architectures) ? architectures : [];
  const found = Object.entries(ARCHITECTURES).find(([, name]) => listed.includes(name));
  const problem = entries.get("problem_type") ?? undefined;
  const known = Object.entries(PROBLEM_TYPES).find(([, name]) => name === problem);
  const labels = labelsOf(entries.get("id2label"));
  return {
    head: found?.[0] ?? defaultHead(entries.get("is_decoder") ?? false),
    numLabels: entries.get("num_labels") ?? labels?.length,
    labels,
    problemType: known?.[0] ?? problem,
    classifierDropout: entries.get("classifier_dropout"),
    maskTokenId: entries.get("mask_token_id"),
  };
}

function labelsOf(id2label: unknown): unknown[] | undefined {
  if (id2label === undefined || id2label === null) return undefined;
  const ids = typeof id2label === "object" ? Object.keys(id2label) : [];
  const names = new Map(Object.entries(id2label));
  const labels = ids.map((_, i) => names.get(String(i)));
  if (labels.length > 0 && !labels.includes(undefined)) return labels;
  throw new ConfigError(
    `id2label is ${JSON.stringify(id2label)}, but must name the labels 0, 1, 2 and so on without a gap.`,
    { field: "id2label" },
  );
}

/** Writes the head's keys; those of other heads stay out. */
export function headToHuggingFace(config: ReformerConfig, out: Map<string, unknown>): void {
  const { head, labels, problemType, classifierDropout, maskTokenId } = config;
  const listed = out.get("architectures");
  if (!Array.isArray(listed) || !listed.includes(ARCHITECTURES[head])) {
    out.set("architectures", [ARCHITECTURES[head]]);
  }
  if (maskTokenId !== null) out.set("mask_token_id", maskTokenId);
  if (head !== "classification") return;
  out.set("num_labels", labels.length);
  if (labels.join() !== defaultLabels(labels.length).join()) {
    out.set("id2label", Object.fromEntries(labels.map((label, i) => [i, label])));
    out.set("label2id", Object.fromEntries(labels.map((label, i) => [label, i])));
  }
  out.set("problem_type", PROBLEM_TYPES[problemType]);
  if (classifierDropout !== null) out.set("classifier_dropout", classifierDropout);
}
