import { css, html, nothing } from "lit";
import { decimals, rate, visible, whole } from "../format.js";
import { WRITING_RANGES, type WritingNumber, type WritingSettings } from "../writing-settings.js";
import { SessionElement } from "./page-element.js";
import { problemText } from "./problem-text.js";
import { base, controls } from "./styles.js";

/** Prompt, sampling, and the text as the model writes it. */
export class TextWriter extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        margin-bottom: 0.75rem;
      }
      form {
        display: grid;
        gap: 0.875rem;
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr));
        gap: 0.75rem 1rem;
      }
      .fields .note {
        font-size: 0.75rem;
      }
      .named {
        display: flex;
        justify-content: space-between;
        gap: 0.5rem;
      }
      output {
        font-size: 0.8125rem;
        font-variant-numeric: tabular-nums;
        color: var(--muted);
      }
      .seed {
        display: flex;
        gap: 0.375rem;
      }
      .seed button {
        flex: none;
        padding-inline: 0.625rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1rem;
      }
      .text {
        margin-top: 1rem;
        padding: 1rem 1.125rem;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        min-height: 9rem;
        max-height: 32rem;
        overflow-y: auto;
        font-family: var(--serif);
        font-size: 1.125rem;
        line-height: 1.6;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .text .note {
        font-family: var(--sans);
      }
      .prompt {
        color: var(--muted);
      }
      .caret {
        border-inline-end: 2px solid var(--accent);
      }
      .warning {
        color: var(--warn);
        margin-top: 0.75rem;
      }
    `,
  ];

  #stopWriting: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stopWriting = this.session.writing.watch(() => this.requestUpdate());
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stopWriting?.();
  }

  get #prompt(): string {
    return this.state.writing.prompt ?? this.session.samplePrompt;
  }

  override render() {
    const t = this.t.write;
    const { model, phase, writing } = this.state;
    const { active, prompt, text, tokens, tokensPerSecond, problem } = this.session.writing.state;
    const ready = model !== null && phase !== "preparing" && phase !== "pausing";
    return html`
      <h2>${t.title}</h2>
      <form @submit=${this.#submit}>
        <div class="field">
          <label for="prompt">${t.prompt}</label>
          <textarea id="prompt" rows="2" .value=${this.#prompt} @input=${this.#typed}></textarea>
        </div>
        <div class="fields">
          ${this.#range("temperature", t.temperature, 0.05, t.temperatureHint)}
          ${this.#range("topP", t.topP, 0.01)} ${this.#number("topK", t.topK, t.topKHint)}
          ${this.#number("maxNewTokens", t.length)}
          <div class="field">
            <label for="seed">${t.seed}</label>
            <span class="seed">
              <input
                id="seed"
                type="number"
                inputmode="numeric"
                min=${WRITING_RANGES.seed[0]}
                max=${WRITING_RANGES.seed[1]}
                .value=${String(writing.seed)}
                @change=${(event: Event) => this.#change("seed", event)}
              />
              <button type="button" aria-label=${t.newSeed} title=${t.newSeed} @click=${this.#newSeed}>↻</button>
            </span>
          </div>
        </div>
        <div class="actions">
          ${
            active
              ? html`<button type="button" @click=${() => void this.session.writing.stop()}>${t.stop}</button>`
              : html`<button class="primary" ?disabled=${!ready}>${t.write}</button>`
          }
          <span class="note number">
            ${
              tokens > 0
                ? t.speed(whole(tokens), rate(tokensPerSecond))
                : model
                  ? phase === "training"
                    ? t.pausesRun
                    : nothing
                  : t.needsModel
            }
          </span>
        </div>
      </form>
      ${problem ? this.#problem(problem) : nothing}
      <div class="text" tabindex="0" role="region" aria-label=${t.output} aria-busy=${active ? "true" : "false"}>${
        active || text
          ? html`<span class="prompt">${prompt}</span><span class=${active ? "caret" : ""}>${visible(text)}</span>`
          : html`<span class="note">${t.empty}</span>`
      }</div>
    `;
  }

  #problem(problem: Error) {
    const { title, remedy } = problemText(problem, this.t);
    return html`<p class="note warning" role="alert">${title}. ${remedy}<br />${problem.message}</p>`;
  }

  #range(field: "temperature" | "topP", label: string, step: number, note?: string) {
    const [min, max] = WRITING_RANGES[field];
    return html`<div class="field">
      <span class="named">
        <label for=${field}>${label}</label>
        <output for=${field}>${decimals(this.state.writing[field], 2)}</output>
      </span>
      <input
        id=${field}
        type="range"
        min=${min}
        max=${max}
        step=${step}
        .value=${String(this.state.writing[field])}
        @input=${(event: Event) => this.#change(field, event)}
      />
      ${note ? html`<span class="note">${note}</span>` : nothing}
    </div>`;
  }

  #number(field: "topK" | "maxNewTokens", label: string, note?: string) {
    const [min, max] = WRITING_RANGES[field];
    return html`<div class="field">
      <label for=${field}>${label}</label>
      <input
        id=${field}
        type="number"
        inputmode="numeric"
        min=${min}
        max=${max}
        .value=${String(this.state.writing[field])}
        @change=${(event: Event) => this.#change(field, event)}
      />
      ${note ? html`<span class="note">${note}</span>` : nothing}
    </div>`;
  }

  #change(field: WritingNumber, event: Event): void {
    const input = event.target as HTMLInputElement;
    const [min, max] = WRITING_RANGES[field];
    const value = Math.min(max, Math.max(min, input.valueAsNumber));
    if (Number.isFinite(value)) this.#set({ [field]: value });
    this.requestUpdate();
  }

  readonly #typed = (event: Event) => this.#set({ prompt: (event.target as HTMLTextAreaElement).value });

  readonly #newSeed = () => this.#set({ seed: crypto.getRandomValues(new Uint16Array(1))[0] ?? 1 });

  #set(change: Partial<WritingSettings>): void {
    this.session.set({ writing: { ...this.state.writing, ...change } });
  }

  readonly #submit = (event: Event) => {
    event.preventDefault();
    const { prompt, ...options } = this.state.writing;
    void this.session.writing.start(prompt ?? this.#prompt, options);
  };
}
