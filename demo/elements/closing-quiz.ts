import { css, html, nothing } from "lit";
import { adapterName, type Chapter } from "../chapter/chapter.js";
import { type Crossing, crossing } from "../chapter/crossing.js";
import { MARKS } from "../chapter/sources.js";
import { bytes, decimals, percent, whole } from "../format.js";
import { quiz as en } from "../i18n/en-quiz.js";
import { quiz as zh } from "../i18n/zh-quiz.js";
import { PageElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** The order in which the options of each question are shown; option 0 is the right one. */
const ORDER = [
  [1, 0, 2],
  [0, 2, 1],
  [2, 1, 0],
  [1, 2, 0],
] as const;
/** The station that each answer's evidence comes from. */
const STATIONS = [2, 2, 5, 4] as const;

interface Evidence {
  readonly source: "measured" | "computed";
  readonly text: string;
}

/** Four questions, answered from the reader's own measurements. */
export class ClosingQuiz extends PageElement {
  static override styles = [
    base,
    controls,
    css`
      section {
        margin-top: 2rem;
        padding-block: clamp(2rem, 5vw, 3.5rem) 1rem;
        border-top: 1px solid var(--line);
      }
      h2 {
        font: 600 clamp(1.375rem, 1.1rem + 1vw, 1.875rem) / 1.2 var(--serif);
      }
      .questions {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
        gap: 2rem clamp(2rem, 4vw, 4rem);
        margin-top: 1.25rem;
      }
      legend {
        padding: 0;
        font-weight: 600;
      }
      label {
        display: flex;
        gap: 0.5rem;
        align-items: baseline;
        padding-block: 0.25rem;
        font-size: 0.9375rem;
        font-weight: 400;
      }
      .options {
        margin-top: 0.375rem;
      }
      .answer {
        margin-top: 0.5rem;
        padding-inline-start: 0.875rem;
        border-inline-start: 2px solid var(--lsh);
        font-size: 0.9375rem;
      }
      .answer.wrong {
        border-color: var(--full);
      }
      .evidence {
        margin-top: 0.375rem;
        padding-inline-start: calc(0.875rem + 2px);
        font-size: 0.9375rem;
      }
      .evidence small {
        color: var(--muted);
        font-size: 0.8125rem;
      }
    `,
  ];

  declare chapter: Chapter;
  readonly #chosen = new Map<number, number>();
  #stop: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.chapter.findings.watch(() => this.requestUpdate());
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render() {
    const t = { en, zh }[this.language];
    return html`<section aria-labelledby="quiz">
      <h2 id="quiz">${t.title}</h2>
      <p class="note">${t.note}</p>
      <div class="questions">
        ${t.questions.map(({ question, options, why }, q) => {
          const chosen = this.#chosen.get(q);
          return html`<fieldset>
            <legend>${whole(q + 1)}. ${question}</legend>
            <div class="options">
              ${(ORDER[q] ?? []).map(
                (option) => html`<label>
                  <input
                    type="radio"
                    name="question-${q}"
                    .checked=${chosen === option}
                    @change=${() => {
                      this.#chosen.set(q, option);
                      this.requestUpdate();
                    }}
                  />${options[option]}
                </label>`,
              )}
            </div>
            <div role="status">
              ${
                chosen === undefined
                  ? nothing
                  : html`<p class="answer ${chosen === 0 ? "" : "wrong"}">
                      <b>${chosen === 0 ? t.right : t.wrong}</b> ${why}
                    </p>
                    ${this.#shown(q)}`
              }
            </div>
          </fieldset>`;
        })}
      </div>
    </section>`;
  }

  /** The evidence, each piece with where it comes from. */
  #shown(question: number) {
    const t = { en, zh }[this.language];
    const { measuredOn, computedNote } = this.t.chapter;
    const said = { measured: measuredOn(adapterName(this.chapter.adapter)), computed: computedNote };
    const found = this.#evidence(question);
    if (found.length === 0) return html`<p class="evidence">${t.missing(whole(STATIONS[question] ?? 0))}</p>`;
    return found.map(
      ({ source, text }) =>
        html`<p class="evidence">${text} <small>${MARKS[source]} ${said[source]}</small></p>`,
    );
  }

  #evidence(question: number): readonly Evidence[] {
    const { evidence: e } = { en, zh }[this.language];
    const { recall, depth, inversion, scaling } = this.chapter.findings.state;
    const [few, many] = [recall[0], recall.at(-1)];
    const [shallow, deep] = [depth[0], depth.at(-1)];
    const computed = (text: string): Evidence => ({ source: "computed", text });
    switch (question) {
      case 0:
        return few ? [computed(e.unlike(percent(few.share), percent(few.unlike), whole(few.partners)))] : [];
      case 1:
        return few && many
          ? [computed(`${e.one(percent(few.share))} ${e.recall(percent(many.share), whole(many.rounds))}`)]
          : [];
      case 2: {
        if (!shallow || !deep) return [];
        const flat = e.depth(
          bytes(shallow.reversible),
          whole(shallow.depth),
          bytes(deep.reversible),
          whole(deep.depth),
        );
        const exact = inversion && e.exact(String(inversion.difference));
        return [computed(flat), ...(exact ? [{ source: "measured", text: exact } as const] : [])];
      }
      default: {
        const found = crossing(scaling);
        return found ? [{ source: "measured", text: this.#crossed(found) }] : [];
      }
    }
  }

  #crossed({ shortest, longest, before, from, rounds }: Crossing): string {
    const { evidence: e } = { en, zh }[this.language];
    const hashed = e.rounds(whole(rounds));
    if (from === null) return e.never(whole(shortest), whole(longest), hashed);
    if (before === null) return e.always(whole(shortest), whole(longest), hashed);
    return e.cross(whole(before.length), decimals(before.times, 2), whole(from), hashed);
  }
}
