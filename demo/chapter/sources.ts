/** Where a number comes from, and the mark that says so beside it. */
export type Source = "measured" | "computed" | "recorded" | "reported";

export const MARKS: Readonly<Record<Source, string>> = {
  measured: "●",
  computed: "○",
  recorded: "◇",
  reported: "△",
};
export const SOURCES = Object.keys(MARKS) as Source[];

/** What recorded something, and when. */
export interface Origin {
  readonly adapter: string;
  /** Year, month and day. */
  readonly date: string;
}
