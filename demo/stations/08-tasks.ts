import { css, html, nothing } from "lit";
import { type Gap, type KnownGap, knownGaps, parseGap, type Ranked, ranked } from "../chapter/gap.js";
import { askWriter, bookParts, type Question, shippedModel, writerFacts } from "../chapter/writer.js";
import { answerList, answerStyles } from "../figures/answers.js";
import { tokenCells, tokenStyles } from "../figures/tokens.js";
import { decimals, milliseconds, percent, visible, whole } from "../format.js";
import type { Layout, RetrievalTold } from "../lab/experiments/retrieval.js";
import { columnsOf, LONGEST_TRAINED, RECORDED, type Row } from "./08-tasks.table.js";
import { en, zh } from "./08-tasks.text.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Only = "score" | "answer" | "generate" | "find";

/** Letters of the reader's text, and of the question. */
const MOST = 200;
/** Characters of the book's unseen end that are scored, on software adapters and on GPUs. */
const UNSEEN = { slow: 1500, fast: 60_000 };
/** Bits that are drawn darkest. */
const DARKEST = 8;
/** The token that was given: scores begin with the second. */
function firstOf(text: string, scored: readonly { readonly text: string }[]): string {
  const rest = scored.map((token) => token.text).join("");
  return text.endsWith(rest) ? text.slice(0, text.length - rest.length) : "";
}
/** Questions about the book's unseen end, and the characters before the gap that are read. */
const ASK = { slow: { questions: 3, before: 100 }, fast: { questions: 64, before: 400 } };
/** Questions that are shown, and characters around their gaps. */
const SHOWN = { questions: 6, before: 40, after: 24 };
/** Texts that keys are looked for in, and how many of them. */
const FIND = { slow: { length: 1024, questions: 4 }, fast: { length: LONGEST_TRAINED, questions: 16 } };

type Answered = KnownGap & Ranked;

/** A language model: its surprise, its answers and its writing; and a second model that retrieves. */
class TasksStation extends Station<Row> {
  static override styles = [
    ...Station.styles,
    ...tokenStyles,
    answerStyles,
    css`
      .written {
        margin: 0.75rem 0;
        font-family: var(--serif);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .written b {
        font-weight: 400;
        color: var(--muted);
      }
    `,
  ];
  readonly number = 8;
  #own: string | null = null;
  #scored: readonly { readonly text: string; readonly bits: number }[] = [];
  #written = "";
  /** What that goes on from; the reader's text may be another one by now. */
  #begun = "";
  #learning = "";
  #shipped: boolean | null = null;
  #only: Only | null = null;
  #question: string | null = null;
  #answer: readonly Ranked[] = [];
  /** The reader's question cannot be answered. */
  #noGap = false;
  #answered: readonly Answered[] = [];
  #found: readonly RetrievalTold[] = [];
  #finder = false;

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #asked(): string {
    return this.#question ?? this.#t.askedFor;
  }
  get #text(): string {
    return (this.#own ?? this.#t.example).slice(0, MOST);
  }

  protected override async compute(): Promise<void> {
    const unseen = { metric: "bits", value: null, length: null } as const;
    this.put({ ...unseen, task: "heldOut", reference: RECORDED.heldOut });
    this.put({ ...unseen, task: "withoutLsh", reference: RECORDED.withoutLsh });
    this.#putAnswers(ASK.fast.before);
    this.put({
      task: "needle",
      metric: "accuracy",
      value: null,
      reference: RECORDED.needle,
      length: LONGEST_TRAINED,
    });
    this.#finder = (await shippedModel("needle")) !== null;
    this.#shipped = (await writerFacts(this.slow)).shipped !== null;
    this.requestUpdate();
  }

  async *#ask(question: Question, signal: AbortSignal) {
    for await (const told of askWriter(this.chapter, this.slow, question, signal)) {
      this.#learning =
        told.kind === "learning"
          ? this.#t.learning(whole(told.step), whole(told.steps), decimals(told.bits, 2))
          : "";
      yield told;
      this.requestUpdate();
    }
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const only = this.#only;
    this.#only = null;
    const { length } = await writerFacts(this.slow);
    if (!only) {
      const text = (await bookParts(this.chapter)).heldOut.slice(0, this.slow ? UNSEEN.slow : UNSEEN.fast);
      for (const lsh of [true, false]) {
        for await (const told of this.#ask({ ask: "evaluate", text, length, lsh }, signal)) {
          if (told.kind !== "evaluate") continue;
          const reference = lsh ? RECORDED.heldOut : RECORDED.withoutLsh;
          this.put({
            task: lsh ? "heldOut" : "withoutLsh",
            metric: "bits",
            value: told.bitsPerCharacter,
            reference,
            length,
          });
        }
      }
    }
    if (!only) await this.#fillGaps(signal);
    if (!only || only === "answer") await this.#answerOwn(signal);
    if (!only || only === "find") await this.#find(signal);
    if (!only || only === "score") {
      const text = this.#text;
      for await (const told of this.#ask({ ask: "score", text }, signal)) {
        if (told.kind !== "score") continue;
        this.#scored = [{ text: firstOf(text, told.tokens), bits: 0 }, ...told.tokens];
        this.put({
          task: "own",
          metric: "byte",
          value: told.bitsPerByte,
          reference: null,
          length: told.tokens.length,
        });
      }
    }
    if (!only || only === "generate") {
      [this.#begun, this.#written] = [this.#text, ""];
      const tokens = this.slow ? 48 : 200;
      for await (const told of this.#ask(
        { ask: "generate", prompt: this.#begun, tokens, temperature: 0.7, seed: 1 },
        signal,
      )) {
        if (told.kind !== "piece") continue;
        this.#written += told.text;
        this.put({
          task: "writing",
          metric: "speed",
          value: told.perSecond,
          reference: null,
          length: told.tokens,
        });
      }
    }
  }

  /** Fills gaps of the book's unseen end, those that come with the shipped model. */
  async #fillGaps(signal: AbortSignal): Promise<void> {
    const { questions, before } = this.slow ? ASK.slow : ASK.fast;
    this.#answered = [];
    for (const gap of (await knownGaps(signal)).slice(0, questions)) {
      const [best] = await this.#choose({ ...gap, before: gap.before.slice(-before) }, signal);
      if (best) this.#answered = [...this.#answered, { ...gap, ...best }];
      this.#putAnswers(before);
    }
  }

  #putAnswers(before: number): void {
    const share = (is: (gap: Answered) => boolean) =>
      this.#answered.length > 0 ? this.#answered.filter(is).length / this.#answered.length : null;
    const row = { metric: "accuracy", length: null } as const;
    const value = share(({ answer, choice }) => choice === answer);
    this.put({ ...row, task: "gaps", value, reference: RECORDED.gaps(before) });
    const commonest = share(({ answer, commonest }) => commonest === answer);
    this.put({ ...row, task: "commonest", value: commonest, reference: RECORDED.commonest });
  }

  async #answerOwn(signal: AbortSignal): Promise<void> {
    const gap = parseGap(this.#asked);
    this.#noGap = gap === null;
    this.#answer = gap ? await this.#choose(gap, signal) : [];
    this.requestUpdate();
  }

  /** A gap's choices, the likeliest first. */
  async #choose({ before, choices, after }: Gap, signal: AbortSignal): Promise<readonly Ranked[]> {
    let answer: readonly Ranked[] = [];
    for await (const told of this.#ask({ ask: "choose", before, choices, after }, signal)) {
      if (told.kind === "choose") answer = ranked(choices, told.bits);
    }
    return answer;
  }

  /** Looks for keys with the model that was trained for it, where it comes with the page. */
  async #find(signal: AbortSignal): Promise<void> {
    const shipped = await shippedModel("needle");
    if (!shipped) return;
    const { length, questions } = this.slow ? FIND.slow : FIND.fast;
    this.#found = [];
    const params = { url: shipped.url, layout: shipped.recipe.tokens as Layout, length, questions };
    for await (const told of this.run("retrieval", params, signal)) {
      this.#found = [...this.#found, told];
      const right = this.#found.filter(({ value, answer }) => value === answer).length;
      this.put({
        ...{ task: "needle", metric: "accuracy", length },
        value: right / this.#found.length,
        reference: RECORDED.needle,
      });
    }
  }

  /** Gaps of the book, and what they were filled with. */
  #gaps() {
    const t = this.#t;
    const shown = this.#answered.slice(0, SHOWN.questions);
    return shown.map(({ before, after, answer, choice, chance }) => {
      const right = choice === answer;
      const text = html`<span lang="en">…${visible(before.slice(-SHOWN.before))}<b>[${choice}]</b>${visible(after.slice(0, SHOWN.after))}…</span>`;
      return { right, line: html`${text} ${t.sure(percent(chance))}${right ? nothing : t.was(answer)}` };
    });
  }

  /** Keys that were asked for, and what was answered. */
  #keys() {
    const t = this.#t;
    return this.#found.map(({ key, value, distance, answer, milliseconds: ms }) => {
      const said = answer === null ? "–" : whole(answer);
      const line = t.asked(whole(key), whole(value), whole(distance), said, milliseconds(ms));
      return { right: answer === value, line };
    });
  }

  protected words() {
    const { sentences, tryThis, caption, shipped, trained, elsewhere } = this.#t;
    const answers = this.#shipped ? shipped : trained;
    const unknown = this.#shipped === null || this.chapter.adapter === null; // still looking
    const whose = unknown ? [] : [this.gpu ? answers : elsewhere];
    const terms = ["token", "bits", "attention"] as const;
    return { sentences: [...sentences, ...whose], terms, tryThis, caption };
  }
  protected override figureSources() {
    return this.#scored.length > 0 ? (["measured"] as const) : [];
  }

  protected columns(): readonly Column<Row>[] {
    return columnsOf(this.#t, (this.slow ? ASK.slow : ASK.fast).questions);
  }

  protected override controls() {
    const t = this.#t;
    const only = (what: Only) => {
      this.#only = what;
      void this.begin();
    };
    return html`<div class="controls">
      <div class="field wide">
        <label for="own">${t.text}</label>
        <textarea id="own" rows="2" maxlength=${MOST} .value=${this.#text} @input=${(event: Event) => {
          this.#own = (event.target as HTMLTextAreaElement).value;
        }}></textarea>
      </div>
      <button class="small" ?disabled=${!this.gpu} @click=${() => only("score")}>${t.score}</button>
      <button class="small" ?disabled=${!this.gpu} @click=${() => only("generate")}>${t.goOn}</button>
      <div class="field wide">
        <label for="question">${t.question}</label>
        <textarea id="question" rows="2" maxlength=${MOST} lang="en" .value=${this.#asked} @input=${(
          event: Event,
        ) => {
          this.#question = (event.target as HTMLTextAreaElement).value;
          [this.#answer, this.#noGap] = [[], false];
          this.requestUpdate();
        }}></textarea>
      </div>
      <button class="small" ?disabled=${!this.gpu} @click=${() => only("answer")}>${t.answer}</button>
      <output class="note answered" for="question">
        ${this.#noGap ? t.noGap : this.#answer.map(({ choice, chance }) => `${choice} ${percent(chance)}`).join(" · ")}
      </output>
      ${this.#finder ? html`<button class="small" ?disabled=${!this.gpu} @click=${() => only("find")}>${t.find}</button>` : nothing}
      <span class="note" role="status">${this.#learning}</span>
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const tokens =
      this.#scored.length > 0
        ? this.#scored.map(({ text, bits }) => ({
            text,
            tint: -Math.min(1, bits / DARKEST),
            note: t.bits(decimals(bits, 2)),
          }))
        : [...this.#text].map((text) => ({ text, tint: 0, note: "" }));
    return html`${tokenCells(tokens, this.width, t.caption)}
    ${this.#answered.length > 0 ? answerList("gaps", this.#gaps()) : nothing}
    ${this.#found.length > 0 ? answerList("keys", this.#keys()) : nothing}
    ${this.#written ? html`<p class="written"><b>${this.#begun}</b>${visible(this.#written)}</p>` : nothing}`;
  }
}
customElements.define("reformer-station-tasks", TasksStation);
