// The kinds of cases that the f64 reference computes.
import type { Case } from "../case.js";
import {
  attention,
  embeddings,
  feedForward,
  languageModel,
  optimize,
  paper,
  type Quantities,
  type ReferenceOptions,
  reversible,
} from "./cases.js";
import { decode } from "./decoding.js";
import { labelled } from "./heads.js";

/** What a case of each kind gives in f64. */
export const REFERENCE: Readonly<Record<string, (c: Case, options: ReferenceOptions) => Quantities>> = {
  lsh_attention: attention,
  local_attention: attention,
  paper_lsh: paper,
  feed_forward: feedForward,
  embeddings,
  reversible_layer: reversible,
  lm: languageModel,
  mlm: languageModel,
  classification: labelled,
  qa: labelled,
  optimizer: optimize,
  decode,
  checkpoint: languageModel,
};
