/** What the stations share: the GPU's turn, the laboratory, the planner, and what has been found so far. */
import type { AdapterFound, Missing } from "../adapter.js";
import { GpuTurn } from "../gpu-turn.js";
import type { Lab } from "../lab/protocol.js";
import type { Runtime } from "../runtime.js";
import { Store } from "../store.js";
import { type Book, fetchBook } from "../text-source.js";

/** What stations have measured on this device, or computed, in this visit; the quiz and station 9 answer from it. */
export interface Findings {
  /** Shares of a word's most and least similar words, so many of each, that it meets, by rounds; computed (station 2). */
  readonly recall: readonly {
    readonly rounds: number;
    readonly share: number;
    readonly unlike: number;
    readonly partners: number;
  }[];
  /** Milliseconds of both kinds of attention by length (station 4). */
  readonly scaling: readonly {
    readonly length: number;
    readonly rounds: number;
    readonly full: number | null;
    readonly lsh: number;
  }[];
  /** Bytes of a training step by depth; computed (station 5). */
  readonly depth: readonly { readonly depth: number; readonly reversible: number; readonly stored: number }[];
  /** Largest difference of losses between recomputed and stored activations (station 5). */
  readonly inversion: { readonly difference: number; readonly steps: number } | null;
  /** Share of exact attention that candidates hold, by rounds (station 10). */
  readonly coverage: readonly { readonly rounds: number; readonly mean: number }[];
}

export const NOTHING_FOUND: Findings = { recall: [], scaling: [], depth: [], inversion: null, coverage: [] };

export interface Chapter {
  readonly turn: GpuTurn;
  readonly findings: Store<Findings>;
  readonly planMemory: Runtime["planMemory"];
  readonly book: Book;
  /** The book's text, fetched once. */
  text(): Promise<string>;
  /** null: no laboratory in this runtime. */
  readonly lab: Lab | null;
  /** null: still looking. */
  adapter: AdapterFound | Missing | null;
}

export function newChapter(runtime: Pick<Runtime, "planMemory" | "lab">, book: Book): Chapter {
  let text: Promise<string> | undefined;
  return {
    text() {
      text ??= fetchBook(book, new AbortController().signal);
      text.catch(() => {
        text = undefined; // the next one may have more luck
      });
      return text;
    },
    turn: new GpuTurn(),
    findings: new Store<Findings>(NOTHING_FOUND),
    planMemory: (...asked) => runtime.planMemory(...asked),
    lab: runtime.lab ?? null,
    adapter: null,
    book,
  };
}

/** Its name, or why there is none. */
export const adapterName = (adapter: Chapter["adapter"]): string =>
  typeof adapter === "object" && adapter ? adapter.name : "";

export const hasGpu = ({ adapter, lab }: Chapter): boolean =>
  typeof adapter === "object" && adapter !== null && lab !== null;
