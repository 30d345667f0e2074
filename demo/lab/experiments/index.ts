/** The experiments by name. Each is told parameters and yields plain rows. */
import { duplication } from "./duplication.js";

export const EXPERIMENTS = { duplication } as const;
