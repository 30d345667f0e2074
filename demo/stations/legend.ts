/** Where a station's numbers come from: a mark beside each, and what the marks stand for. */
import { html, nothing, type TemplateResult } from "lit";
import { MARKS, type Origin, SOURCES, type Source } from "../chapter/sources.js";
import type { Dictionary } from "../i18n/dictionary.js";

/** Where a number comes from; what is recorded says by what, and when. */
export type From = { readonly source: Exclude<Source, "recorded"> } | RecordedBy;
interface RecordedBy {
  readonly source: "recorded";
  readonly origin: Origin;
}

const SUPERSCRIPTS = "¹²³⁴⁵⁶⁷⁸⁹";
const keyOf = (from: From) =>
  from.source === "recorded" ? `${from.origin.adapter} ${from.origin.date}` : from.source;

/** Each once, in the order of the marks. */
export function distinct(all: readonly From[]): readonly From[] {
  const byKey = new Map(all.map((from) => [keyOf(from), from]));
  return SOURCES.flatMap((source) => [...byKey.values()].filter((from) => from.source === source));
}

/** What a station shows, or saves, of the origins of its numbers. */
export class Legend {
  readonly #recordings: readonly string[];
  constructor(
    all: readonly From[],
    readonly adapter: string,
    readonly t: Dictionary["chapter"],
  ) {
    this.#recordings = distinct(all)
      .filter(({ source }) => source === "recorded")
      .map(keyOf);
  }

  /** Recordings are numbered where there are several. */
  markOf(from: From): string {
    const nth = this.#recordings.length > 1 ? this.#recordings.indexOf(keyOf(from)) : -1;
    return `${MARKS[from.source]}${SUPERSCRIPTS.charAt(nth)}`;
  }

  sentenceOf(from: From): string {
    const { t } = this;
    if (from.source === "measured") return t.measuredOn(this.adapter);
    if (from.source === "computed") return t.computedNote;
    if (from.source === "recorded") return t.recordedNote(from.origin.adapter, from.origin.date);
    return t.reportedNote;
  }

  /** A line that explains the marks of what is shown above it. */
  line(shown: readonly From[]): TemplateResult | typeof nothing {
    if (shown.length === 0) return nothing;
    return html`<p class="note legend">${distinct(shown).map((from) => html`<span><i>${this.markOf(from)}</i> ${this.sentenceOf(from)}</span>`)}</p>`;
  }
}
