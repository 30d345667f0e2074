/**
 * The stations of the course as custom elements. This module loads each when its tag is met in the document; it shows its
 * text, figure and table, measures on the reader's GPU when it is seen, and shows what is computed or recorded where there is
 * none.
 *
 * Attribute `lang`: `en` or `zh`; default: the language of the document. Colours and type: `--reformer-accent`,
 * `--reformer-ink`, `--reformer-paper` and others (see the package's documentation), light or dark by `color-scheme`.
 */

/** A station, once its tag is defined. */
export interface StationElement extends HTMLElement {
  /** 1 to 13, its place in the course. */
  readonly number: number;
  /** The table as text; every number with whether it was measured, computed or recorded, and on which adapter and when. */
  tableAs(kind: "csv" | "json"): string;
  /** Offers the table as a download. */
  saveTable(kind: "csv" | "json"): void;
  /** Offers the figure as a download. */
  saveFigure(kind: "svg" | "png"): Promise<void>;
}

/** The tags, in the order of the course. */
export declare const STATION_TAGS: readonly (keyof StationTags)[];

/** Defines the tag of one station before it is met, or for use in a shadow root, which is not watched. */
export declare function loadStation(tag: keyof StationTags): Promise<void>;

/**
 * Names the folder with `book.txt` and `models/`, which most stations fetch from. Default: `course/` beside
 * this module, as the package has it; a bundler moves the module, so copy that folder to your page and name it.
 */
export declare function useCourseFiles(folder: string | URL): void;

interface StationTags {
  "reformer-station-overview": StationElement;
  "reformer-station-lsh": StationElement;
  "reformer-station-architecture": StationElement;
  "reformer-station-length": StationElement;
  "reformer-station-reversible": StationElement;
  "reformer-station-training": StationElement;
  "reformer-station-optimisation": StationElement;
  "reformer-station-tasks": StationElement;
  "reformer-station-verdict": StationElement;
  "reformer-station-hashing": StationElement;
  "reformer-station-future": StationElement;
  "reformer-station-mail": StationElement;
  "reformer-station-writing": StationElement;
}

declare global {
  interface HTMLElementTagNameMap extends StationTags {}
}
