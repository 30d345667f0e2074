/** The stations in their order, and how each is loaded. */
export interface StationEntry {
  readonly tag: string;
  /** Defines the tag. */
  readonly load: () => Promise<unknown>;
}

export const STATIONS: readonly StationEntry[] = [
  { tag: "reformer-station-overview", load: () => import("./01-overview.js") },
  { tag: "reformer-station-lsh", load: () => import("./02-lsh.js") },
  { tag: "reformer-station-architecture", load: () => import("./03-architecture.js") },
  { tag: "reformer-station-length", load: () => import("./04-length.js") },
  { tag: "reformer-station-reversible", load: () => import("./05-reversible.js") },
  { tag: "reformer-station-training", load: () => import("./06-training.js") },
  { tag: "reformer-station-optimisation", load: () => import("./07-optimisation.js") },
  { tag: "reformer-station-tasks", load: () => import("./08-tasks.js") },
  { tag: "reformer-station-verdict", load: () => import("./09-verdict.js") },
  { tag: "reformer-station-hashing", load: () => import("./10-hashing.js") },
  { tag: "reformer-station-future", load: () => import("./11-future.js") },
  { tag: "reformer-station-mail", load: () => import("./12-mail.js") },
  { tag: "reformer-station-writing", load: () => import("./13-writing.js") },
];
