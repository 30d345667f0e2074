import { html, nothing } from "lit";
import mail from "../../docs/learning/mail.json";
import { modelOf } from "../chapter/models.js";
import { shippedModel } from "../chapter/writer.js";
import { tokenCells, tokenStyles } from "../figures/tokens.js";
import { decimals, milliseconds, percent, whole } from "../format.js";
import type { Params, Told } from "../lab/protocol.js";
import { en, zh } from "./12-mail.text.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Tested = Extract<Told<"classifier">, { kind: "tested" }>;
type Explained = Extract<Told<"classifier">, { kind: "explained" }>;

interface Row {
  /** "own", "shipped", "bayes" or the name of a recorded run. */
  readonly name: string;
  readonly tokens: number;
  /** Texts that it was tested on. */
  readonly texts: number;
  readonly accuracy: number;
  readonly f1: number | null;
  readonly auc: number | null;
  readonly ece: number | null;
  readonly p50: number | null;
}

/** Of a model that is tested on this page, on its few texts. */
const isLive = ({ name }: Row) => name === "own" || name === "shipped";

const LABELS = ["ham", "spam"] as const;
type Label = (typeof LABELS)[number];
/** A real mail, which came with the shipped model, and which training did not see. */
interface RealMail {
  readonly text: string;
  readonly label: Label;
}
/** What is to be sorted: one of those mails, or the reader's line. */
type Chosen = number | "line";
/** Share of the examples of each label that is kept from training, and the tokens that are read of each. */
const [KEPT, LENGTH] = [0.25, 128];
const STEPS = { slow: 40, fast: 120 };
const GROUPS = 10;

/** A classifier of mail: recorded on real ones, shipped with the page, or learning here, with evidence for every piece. */
class MailStation extends Station<Row> {
  static override styles = [...Station.styles, ...tokenStyles];
  readonly number = 12;
  #own = new Map<string, string>();
  #learning = "";
  #mails: readonly RealMail[] = [];
  #chosen: Chosen = "line";
  #explained: Explained | null = null;

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  #said(key: "ham" | "spam" | "example"): string {
    return this.#own.get(`${this.language} ${key}`) ?? this.#t[key];
  }

  protected override async compute(): Promise<void> {
    const recorded = (
      name: string,
      tokens: number,
      test: (typeof mail.runs)[number]["test"] | (typeof mail.baselines)[number]["test"],
    ) =>
      this.put({
        ...{ name, tokens, texts: mail.split.test.mails, accuracy: test.accuracy, f1: test.macroF1 },
        ...{ auc: test.areaUnderRoc, ece: test.calibrationError },
        p50: "latency" in test ? test.latency.p50 : null,
      });
    for (const { tokens, test } of mail.baselines) recorded("bayes", tokens, test);
    for (const { name, tokens, test } of mail.runs) recorded(name, tokens, test);
    await this.#findMails();
    this.requestUpdate();
  }

  /** The mails of the shipped model; none where the page was built without it. */
  async #findMails(): Promise<string | null> {
    const shipped = await shippedModel("mail");
    if (shipped && this.#mails.length === 0) {
      this.#mails = (await (await fetch(`${shipped.url}examples.json`)).json()) as RealMail[];
      this.#chosen = 0;
    }
    return shipped?.url ?? null;
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const url = await this.#findMails();
    const own = url === null || this.#chosen === "line";
    const params = own ? this.#ownParams() : this.#shippedParams(url);
    const tested: Tested[] = [];
    this.#explained = null; // it may be of another text
    for await (const told of this.run("classifier", params, signal)) {
      this.#learning = told.kind === "learning" ? this.#t.learning(whole(told.step), whole(told.steps)) : "";
      if (told.kind === "tested") tested.push(told);
      if (told.kind === "explained") this.#explained = told;
      this.requestUpdate();
    }
    if (tested.length > 0)
      this.put(
        own ? metricsOf(tested, "own", LENGTH) : metricsOf(tested, "shipped", mail.runs[0]?.tokens ?? 0),
      );
    this.requestUpdate();
  }

  #shippedParams(url: string): Params<"classifier"> {
    const { text = "" } = this.#mails[this.#chosen as number] ?? {};
    return { url, labels: [...LABELS], train: [], heldOut: this.#mails, config: {}, steps: 0, text };
  }

  /** A tiny model that learns from the reader's examples, but for those that are kept to test it. */
  #ownParams(): Params<"classifier"> {
    const parts = LABELS.map((label) => {
      const lines = this.#said(label)
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);
      const cut = lines.length - Math.max(1, Math.round(KEPT * lines.length));
      const labelled = lines.map((text) => ({ text, label }));
      return { train: labelled.slice(0, cut), heldOut: labelled.slice(cut) };
    });
    return {
      url: null,
      labels: [...LABELS],
      train: parts.flatMap(({ train }) => train),
      heldOut: parts.flatMap(({ heldOut }) => heldOut),
      config: modelOf({ length: LENGTH, depth: 2, hiddenSize: 32 }, "local", "lsh"),
      steps: this.slow ? STEPS.slow : STEPS.fast,
      text: this.#said("example"),
    };
  }

  protected words() {
    const { sentences, recordedResult, few, tryThis, caption, captionFirst, shipped } = this.#t;
    const best = (list: readonly { readonly test: { readonly accuracy: number } }[]) =>
      percent(Math.max(...list.map(({ test }) => test.accuracy)));
    const result = recordedResult(best(mail.runs), best(mail.baselines), whole(mail.split.test.mails));
    const explained = this.#explained;
    const live = this.rows.findLast(isLive);
    return {
      sentences: [
        ...[...sentences, result],
        ...(this.#mails.length > 0 ? [shipped] : []),
        ...(live ? [few(whole(live.texts), percent(1 / live.texts))] : []),
      ],
      terms: ["token", "f1", "roc", "calibration"] as const,
      tryThis,
      caption: explained
        ? caption(this.#labelOf(explained.target), percent(explained.probability))
        : captionFirst,
    };
  }
  protected override figureSources() {
    return this.#explained ? (["measured"] as const) : [];
  }
  #labelOf(label: string): string {
    return label === "ham" ? this.#t.mail : this.#t.junk;
  }

  #nameOf({ name, tokens }: Row): string {
    const t = this.#t;
    if (name === "own") return t.own;
    if (name === "shipped") return t.reading(t.shippedRow(whole(this.#mails.length)), whole(tokens));
    const kinds = name.split(", ").map((kind) => t.kinds[kind as keyof typeof t.kinds]);
    return t.reading(name === "bayes" ? t.bayes : t.recorded(kinds.join(t.comma)), whole(tokens));
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how } = this.#t;
    const source = "measured";
    const origin = (row: Row) => (isLive(row) ? undefined : mail);
    const said = `${how.own} ${how.recorded(whole(mail.split.test.mails), mail.adapter, mail.date)}`;
    const share = (key: string, label: string, value: (row: Row) => number | null): Column<Row> => ({
      ...{ key, label, value, source, origin, show: (v: number) => decimals(v, 3) },
    });
    return [
      { key: "classifier", label: c.model, value: (row) => this.#nameOf(row) },
      { key: "tokens", label: c.tokens, value: ({ tokens }) => tokens, show: whole },
      { key: "texts", label: c.texts, value: ({ texts }) => texts, show: whole },
      { ...share("accuracy", c.accuracy, ({ accuracy }) => accuracy), how: said },
      share("macro F1", c.f1, ({ f1 }) => f1),
      share("area under ROC", c.auc, ({ auc }) => auc),
      { ...share("calibration error", c.ece, ({ ece }) => ece), how: how.ece },
      {
        key: "milliseconds",
        label: c.p50,
        value: ({ p50 }) => p50,
        show: milliseconds,
        source,
        origin,
        how: how.p50,
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    const field = (key: "ham" | "spam", label: string) => html`<div class="field wide">
      <label for=${key}>${t.examples(label)}</label>
      <textarea id=${key} rows="4" .value=${this.#said(key)} @input=${(event: Event) => this.#type(key, event)}></textarea>
    </div>`;
    const subject = ({ text, label }: RealMail) =>
      this.t.chapter.named(this.#labelOf(label), /^Subject: *(.*)$/im.exec(text)?.[1] ?? text.slice(0, 40));
    const choose = (event: Event) => {
      const { value } = event.target as HTMLSelectElement;
      this.#chosen = value === "line" ? value : Number(value);
      this.#explained = null; // of what was chosen before
      void this.begin();
    };
    return html`<div class="controls">
      ${
        this.#mails.length > 0
          ? html`<div class="field wide">
            <label for="chosen">${t.chosen}</label>
            <select id="chosen" @change=${choose}>
              ${this.#mails.map((one, i) => html`<option value=${i} ?selected=${this.#chosen === i}>${subject(one)}</option>`)}
              <option value="line" ?selected=${this.#chosen === "line"}>${t.ownLine}</option>
            </select>
          </div>`
          : nothing
      }
      <div class="field wide">
        <label for="line">${t.text}</label>
        <input id="line" type="text" maxlength="100" .value=${this.#said("example")} @input=${(event: Event) => this.#type("example", event)} />
      </div>
      <button class="small" ?disabled=${!this.gpu} @click=${() => this.#sortLine()}>${t.sort}</button>
      <span class="note" role="status">${this.#learning}</span>
      <details class="wide">
        <summary>${t.examples(`${t.mail} / ${t.junk}`)}</summary>
        ${field("ham", t.mail)} ${field("spam", t.junk)}
      </details>
    </div>`;
  }

  #sortLine(): void {
    this.#chosen = "line";
    this.#explained = null;
    this.requestUpdate();
    void this.begin();
  }

  #type(key: "ham" | "spam" | "example", event: Event): void {
    this.#own.set(`${this.language} ${key}`, (event.target as HTMLInputElement | HTMLTextAreaElement).value);
  }

  protected figure() {
    const { text = this.#said("example") } = this.#mails[this.#chosen as number] ?? {};
    const tokens = this.#explained?.tokens ?? [...text].map((letter) => ({ text: letter, evidence: 0 }));
    const most = Math.max(1e-9, ...tokens.map(({ evidence }) => Math.abs(evidence)));
    return tokenCells(
      tokens.map(({ text, evidence }) => ({
        text,
        tint: evidence / most,
        note: this.#explained ? decimals(evidence, 3) : "",
      })),
      this.width,
      this.words().caption,
    );
  }
}

function metricsOf(tested: readonly Tested[], name: string, tokens: number): Row {
  const of = (label: string, { scores }: Tested) => scores.find((score) => score.label === label)?.score ?? 0;
  const right = tested.filter(({ scores, label }) => scores[0]?.label === label);
  const f1 = LABELS.map((label) => {
    const hits = right.filter((one) => one.label === label).length;
    const said = tested.filter(({ scores }) => scores[0]?.label === label).length;
    return (2 * hits) / Math.max(1, said + tested.filter((one) => one.label === label).length);
  });
  const junk = tested.filter(({ label }) => label === "spam").map((one) => of("spam", one));
  const rest = tested.filter(({ label }) => label !== "spam").map((one) => of("spam", one));
  const pairs = junk.flatMap((a) => rest.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
  const groups = Array.from({ length: GROUPS }, (_, g) =>
    tested.filter(({ scores }) => Math.min(GROUPS - 1, Math.floor((scores[0]?.score ?? 0) * GROUPS)) === g),
  );
  const ece = groups.reduce((sum, group) => {
    const gap = group.reduce((total, one) => total + (scoreOf(one) - Number(right.includes(one))), 0);
    return sum + Math.abs(gap) / tested.length;
  }, 0);
  const times = tested.map((one) => one.milliseconds).sort((a, b) => a - b);
  return {
    ...{ name, tokens, texts: tested.length },
    ...{ accuracy: right.length / tested.length, ece },
    f1: f1.reduce((a, b) => a + b, 0) / f1.length,
    auc: pairs.reduce<number>((a, b) => a + b, 0) / Math.max(1, pairs.length),
    p50: times[times.length >> 1] ?? null,
  };
}
const scoreOf = ({ scores }: Tested) => scores[0]?.score ?? 0;
customElements.define("reformer-station-mail", MailStation);
