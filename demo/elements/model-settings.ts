import { css, html, nothing, type TemplateResult } from "lit";
import { bytes, whole } from "../format.js";
import { withLanguage } from "../i18n/language.js";
import {
  changed,
  LENGTHS,
  MEMORY_LIMITS,
  MIXES,
  PRESETS,
  type Preset,
  presetSettings,
  rangeOf,
  type Settings,
  suggestPreset,
  VOCABULARIES,
  WIDTHS,
} from "../settings.js";
import { searchOf, withWriting } from "../settings-link.js";
import { STUDIO } from "../studio-address.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

const RATES = [1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2];
type NumberSetting = { [K in keyof Settings]: Settings[K] extends number ? K : never }[keyof Settings];

/** Size, length, steps, learning rate; the rest behind a fold. */
export class ModelSettings extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        margin-bottom: 0.625rem;
      }
      .presets {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(8.25rem, 1fr));
        gap: 0.5rem;
        margin-bottom: 0.875rem;
      }
      .preset {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 0 0.5rem;
        align-items: baseline;
        align-content: start;
        padding: 0.4375rem 0.625rem 0.5rem;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        cursor: pointer;
      }
      .preset:has(:checked) {
        border-color: var(--accent);
        background: var(--wash);
      }
      .preset:has(:focus-visible) {
        outline: 2px solid var(--accent);
        outline-offset: 2px;
      }
      .preset input {
        margin: 0;
        outline: none;
        translate: 0 0.1em;
      }
      .preset .note {
        grid-column: 2;
        font-weight: 400;
        font-size: 0.75rem;
      }
      .suggested {
        color: var(--accent);
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(8.25rem, 1fr));
        gap: 0.75rem 0.75rem;
      }
      .fields .note {
        font-size: 0.75rem;
      }
      .wide {
        grid-column: 1 / -1;
      }
      details .fields {
        margin-top: 0.625rem;
      }
      details,
      .share,
      .locked {
        margin-top: 0.75rem;
      }
      .file {
        display: grid;
        gap: 0.25rem;
        justify-items: start;
        margin-bottom: 0.875rem;
        overflow-wrap: anywhere;
      }
    `,
  ];

  /** The link that is on the clipboard, as far as is known. */
  #shared: string | null = null;

  /** The studio's address in the page's language, with these settings and the writing options, for the clipboard. */
  get #link(): string {
    const { origin, pathname, search } = location;
    const { settings, writing } = this.state;
    const query = withWriting(writing, withLanguage(searchOf(settings, search)));
    return `${origin}${pathname}${query}${STUDIO}`;
  }

  async #share(): Promise<void> {
    const link = this.#link;
    try {
      await navigator.clipboard.writeText(link);
      this.#shared = link;
      this.requestUpdate();
    } catch (error) {
      this.session.fail(error);
    }
  }

  override render() {
    const t = this.t.settings;
    const { settings, modelFile } = this.state;
    const { locked } = this.session;
    const fixed = locked || modelFile !== null;
    return html`
      <h2 id="title">${t.title}</h2>
      ${modelFile ? this.#loaded(modelFile) : this.#presets(locked)}
      <fieldset class="fields" ?disabled=${locked} aria-labelledby="title">
        ${this.#select("length", t.length, LENGTHS, whole, t.lengthUnit)}
        ${this.#number("batchSize", t.batchSize, t.batchSizeUnit)}
        ${this.#number("steps", t.steps, t.stepsUnit)}
        ${this.#select("learningRate", t.learningRate, RATES, String, t.learningRateUnit)}
      </fieldset>
      <details>
        <summary>${t.more}</summary>
        <fieldset class="fields" ?disabled=${fixed}>
          ${this.#select("hiddenSize", t.hiddenSize, WIDTHS, whole)} ${this.#number("depth", t.depth)}
          ${this.#choice("mix", t.mix, MIXES, t.mixes)}
          ${this.#choice("tokenizer", t.tokenizer, ["bytes", "bpe"] as const, t.tokenizers)}
          ${
            settings.tokenizer === "bpe"
              ? this.#select("vocabulary", t.vocabulary, VOCABULARIES, whole)
              : nothing
          }
          ${this.#number("numHashes", t.numHashes)} ${this.#number("seed", t.seed)}
        </fieldset>
        <fieldset class="fields" ?disabled=${locked}>
          ${this.#choice("backward", t.backward, ["reversible", "stored"] as const, t.backwards)}
          ${this.#select("memoryLimit", t.memoryLimit, MEMORY_LIMITS, (mib) => (mib === 0 ? t.noLimit : bytes(mib * 2 ** 20)))}
          ${this.#choice("optimizer", t.optimizer, ["adamw", "adafactor"] as const, OPTIMIZERS)}
        </fieldset>
      </details>
      <div class="share">
        <button class="small" @click=${() => void this.#share()}>${this.#shared === this.#link ? t.shared : t.share}</button>
      </div>
      ${locked ? html`<p class="note locked">${t.locked}</p>` : nothing}
    `;
  }

  #presets(locked: boolean) {
    const t = this.t.settings;
    const { settings, adapter } = this.state;
    const suggested = suggestPreset(adapter);
    const card = (preset: Preset | "custom", shape: Settings) => html`
      <label class="preset">
        <input
          type="radio"
          name="preset"
          .checked=${settings.preset === preset}
          @change=${() => preset !== "custom" && this.#usePreset(preset)}
        />
        <span>${t.presets[preset]}</span>
        <span class="note">
          ${t.summary(whole(shape.depth), whole(shape.hiddenSize))}<br />
          ${
            preset === suggested ? html`<span class="suggested">${t.suggested}</span>` : t.presetNotes[preset]
          }
        </span>
      </label>
    `;
    return html`<fieldset class="presets" ?disabled=${locked}>
      <legend class="visually-hidden">${t.size}</legend>
      ${PRESETS.map((preset) => card(preset, presetSettings(preset)))}
      ${settings.preset === "custom" ? card("custom", settings) : nothing}
    </fieldset>`;
  }

  #loaded(name: string) {
    return html`<div class="file">
      <span>${this.t.settings.fromFile(name)}</span>
      <button ?disabled=${this.session.busy} @click=${() => void this.session.closeModel()}>
        ${this.t.settings.forget}
      </button>
    </div>`;
  }

  #field(id: string, label: string, control: TemplateResult, note?: string, kind = "") {
    return html`<div class="field ${kind}">
      <label for=${id}>${label}</label>
      ${control} ${note ? html`<span class="note" id="${id}-note">${note}</span>` : nothing}
    </div>`;
  }

  #number(field: NumberSetting, label: string, note?: string) {
    const [min, max] = rangeOf(field);
    return this.#field(
      field,
      label,
      html`<input
        id=${field}
        type="number"
        inputmode="numeric"
        step="1"
        min=${min}
        max=${max}
        .value=${String(this.state.settings[field])}
        @change=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          const value = Math.round(input.valueAsNumber);
          if (Number.isFinite(value)) this.#set(field, Math.min(max, Math.max(min, value)));
          input.value = String(this.state.settings[field]);
        }}
      />`,
      note,
    );
  }

  #select(
    field: NumberSetting,
    label: string,
    values: readonly number[],
    show: (value: number) => string,
    note?: string,
  ) {
    const value = this.state.settings[field];
    const all = values.includes(value) ? values : [...values, value].sort((a, b) => a - b);
    return this.#field(
      field,
      label,
      html`<select
        id=${field}
        @change=${(event: Event) => this.#set(field, Number((event.target as HTMLSelectElement).value))}
      >
        ${all.map((option) => html`<option value=${option} .selected=${option === value}>${show(option)}</option>`)}
      </select>`,
      note,
    );
  }

  #choice<F extends "mix" | "tokenizer" | "optimizer" | "backward">(
    field: F,
    label: string,
    values: readonly Settings[F][],
    names: Readonly<Record<Settings[F], string>>,
  ) {
    return this.#field(
      field,
      label,
      html`<select
        id=${field}
        @change=${(event: Event) => {
          const value = values[(event.target as HTMLSelectElement).selectedIndex];
          if (value) this.#set(field, value);
        }}
      >
        ${values.map(
          (option) =>
            html`<option .selected=${option === this.state.settings[field]}>${names[option]}</option>`,
        )}
      </select>`,
      undefined,
      "wide", // a choice is worded
    );
  }

  #set<F extends keyof Settings>(field: F, value: Settings[F]): void {
    this.session.set({ settings: changed(this.state.settings, field, value) });
  }

  #usePreset(preset: Preset): void {
    const { seed, tokenizer, vocabulary } = this.state.settings;
    this.session.set({ settings: { ...presetSettings(preset), seed, tokenizer, vocabulary } });
  }
}

const OPTIMIZERS = { adamw: "AdamW", adafactor: "Adafactor" } as const;
