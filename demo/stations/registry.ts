/** The stations in their order, and how each is loaded; null: not written yet. */
export interface StationEntry {
  readonly tag: string;
  /** Defines the tag. */
  readonly load: () => Promise<unknown>;
}

export const STATIONS: readonly (StationEntry | null)[] = [
  { tag: "reformer-station-overview", load: () => import("./01-overview.js") },
  { tag: "reformer-station-lsh", load: () => import("./02-lsh.js") },
  null,
  { tag: "reformer-station-length", load: () => import("./04-length.js") },
  { tag: "reformer-station-reversible", load: () => import("./05-reversible.js") },
  null,
  null,
  null,
  null,
  null,
  null,
  null,
  null,
];
