/** The experiments by name. Each is told parameters and yields plain rows. */
import { architecture } from "./architecture.js";
import { attention } from "./attention.js";
import { classifier } from "./classifier.js";
import { duplication } from "./duplication.js";
import { language } from "./language.js";
import { quality } from "./quality.js";
import { retrieval } from "./retrieval.js";
import { training } from "./training.js";

export const EXPERIMENTS = {
  architecture,
  attention,
  classifier,
  duplication,
  language,
  quality,
  retrieval,
  training,
} as const;
