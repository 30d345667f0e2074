import { css, html, nothing } from "lit";
import { type AdapterFound, findAdapter, type Missing } from "../adapter.js";
import { type Chapter, newChapter } from "../chapter/chapter.js";
import { DICTIONARIES, type Language, language, setLanguage, TAGS } from "../i18n/language.js";
import type { Runtime } from "../runtime.js";
import type { Session } from "../session.js";
import { STUDIO } from "../studio-address.js";
import type { Book } from "../text-source.js";
import { setTheme, THEMES, type Theme, theme } from "../theme.js";
import { holdAtTop } from "./hold.js";
import { PageElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Milliseconds after which an idle page loads its studio, though nobody asked. */
const STUDIO_AFTER = 300;

/** The whole page: heading, adapter, first screen, chapter, then either the studio or why there is none. */
export class ReformerPage extends PageElement {
  static override styles = [
    base,
    controls,
    css`
      .page {
        max-width: 112rem;
        margin: 0 auto;
        padding: 0 clamp(1rem, 3vw, 3rem) 3rem;
      }
      .skip {
        position: absolute;
        top: -4rem;
        z-index: 3;
        background: var(--surface);
      }
      .skip:focus {
        top: 0.5rem;
      }
      .masthead {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        align-items: flex-start;
        gap: 0.75rem 2rem;
        padding-block: 1.5rem 0.25rem;
      }
      h1 {
        margin: 0;
        font-family: var(--serif);
        font-size: clamp(1.75rem, 1.4rem + 1.4vw, 2.75rem);
        font-weight: 600;
        letter-spacing: -0.015em;
        line-height: 1.1;
      }
      h1 span {
        display: block;
        margin-top: 0.3em;
        font-family: var(--sans);
        font-size: 1rem;
        font-weight: 400;
        letter-spacing: 0;
        line-height: 1.35;
        color: var(--muted);
      }
      .choices {
        display: flex;
        gap: 0.5rem;
      }
      .choices select {
        width: auto;
        min-height: 2rem;
        font-size: 0.8125rem;
        border-color: var(--line);
        background: transparent;
      }
      .choices select option {
        background: var(--surface);
      }
      .lede {
        max-width: 44rem;
        margin-block: 0.75rem 0.625rem;
        font-size: 1.0625rem;
        text-wrap: pretty;
      }
      .chip {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 0 0.5rem;
        align-items: baseline;
        font-size: 0.8125rem;
        color: var(--muted);
      }
      .chip::before {
        content: "";
        width: 0.5rem;
        height: 0.5rem;
        border-radius: 50%;
        background: var(--accent);
      }
      .chip.software::before {
        background: var(--held-out);
      }
      .chip.looking::before,
      .chip.none::before {
        background: transparent;
        border: 1px solid var(--edge);
      }
      .chip b {
        font-weight: 600;
        color: var(--ink);
      }
      footer {
        margin-top: 3rem;
        padding-top: 1rem;
        border-top: 1px solid var(--line);
      }
      .first {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 2.5rem clamp(2rem, 5vw, 5rem);
        padding-block: 1.5rem 2.5rem;
        border-bottom: 1px solid var(--line);
      }
      @media (min-width: 60rem) {
        .first {
          grid-template-columns: minmax(0, 5fr) minmax(0, 7fr);
        }
      }
      .chapter {
        max-width: 84rem;
        margin-inline: auto;
      }
      #studio {
        margin-top: 3rem;
        padding-top: 2rem;
        border-top: 1px solid var(--line);
      }
      #studio:focus {
        outline: none; /* it is a place to go on from, not a control */
      }
      #studio > h2 {
        font: 600 clamp(1.375rem, 1.1rem + 1vw, 1.875rem) / 1.2 var(--serif);
      }
      #studio > .note {
        margin-top: 0.375rem;
      }
      no-webgpu {
        margin-top: 2.5rem;
      }
      @media print {
        .choices,
        #studio {
          display: none;
        }
      }
    `,
  ];

  declare runtime: Runtime;
  declare book: Book;
  #found: AdapterFound | Missing | null = null;
  #session: Session | null = null;
  #chapter: Chapter | null = null;
  /** Whether the studio, and what is loaded with it, is there. */
  #opened = false;

  get #shared(): Chapter {
    this.#chapter ??= newChapter(this.runtime, this.book);
    return this.#chapter;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.#follow);
    void this.#look();
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.#follow);
  }

  async #look(): Promise<void> {
    this.#found = null;
    this.#shared.adapter = null;
    this.requestUpdate();
    this.#found = await findAdapter();
    this.#shared.adapter = this.#found;
    this.requestUpdate();
    await this.updateComplete;
    for (const tag of ["tiny-learner", "chapter-stations"])
      (this.renderRoot.querySelector(tag) as { adapterFound?: () => void } | null)?.adapterFound?.();
    setTimeout(() => void this.#openStudio(), STUDIO_AFTER);
  }

  async #openStudio(): Promise<void> {
    const { studio } = await import("./studio.js");
    this.#opened = true;
    if (typeof this.#found === "object" && this.#found) {
      const { turn } = this.#shared;
      this.#session = studio(this.runtime, this.book, this.#found, turn);
      void this.#session.findSavedRun();
    }
    this.requestUpdate();
    await this.updateComplete;
    this.#follow();
  }

  override render() {
    const t = this.t.page;
    const { title, source, licence } = this.book;
    return html`
      <div class="page">
        <header>
          <button class="skip" @click=${this.#skip}>${t.skip}</button>
          <div class="masthead">
            <h1>Reformer<span>${t.tagline}</span></h1>
            <div class="choices">
              <label class="visually-hidden" for="language">${t.language}</label>
              <select id="language" @change=${this.#changeLanguage}>
                ${(Object.keys(DICTIONARIES) as Language[]).map(
                  (key) =>
                    html`<option value=${key} lang=${TAGS[key]} .selected=${key === language()}>
                      ${DICTIONARIES[key].name}
                    </option>`,
                )}
              </select>
              <label class="visually-hidden" for="theme">${t.theme}</label>
              <select id="theme" @change=${this.#changeTheme}>
                ${THEMES.map(
                  (key) => html`<option value=${key} .selected=${key === theme()}>${t.themes[key]}</option>`,
                )}
              </select>
            </div>
          </div>
          <p class="lede">${t.lede}</p>
          ${this.#chip()}
        </header>
        <main>
        <div class="first">
          <hash-wheel></hash-wheel>
          <tiny-learner .chapter=${this.#shared}></tiny-learner>
        </div>
        <div class="chapter">
          <chapter-stations .chapter=${this.#shared}></chapter-stations>
            ${this.#opened ? html`<closing-quiz .chapter=${this.#shared}></closing-quiz>` : nothing}
        </div>
        <section id="studio" tabindex="-1" aria-labelledby="studio-title">
          <h2 id="studio-title">${this.t.chapter.studio}</h2>
          <p class="note">${this.t.chapter.studioNote}</p>
          ${this.#session ? html`<training-studio .session=${this.#session}></training-studio>` : nothing}
          ${
            typeof this.#found === "string"
              ? html`<no-webgpu .reason=${this.#found} @again=${() => void this.#look()}></no-webgpu>`
              : nothing
          }
        </section>
        </main>
        <footer class="note">
          <p>${t.footer}</p>
          <p><cite lang="en">${title}</cite>: <span lang="en">${source}; ${licence}</span></p>
        </footer>
      </div>
    `;
  }

  #chip() {
    const t = this.t.adapter;
    const found = this.#found;
    if (found === null) return html`<p class="chip looking" role="status">${t.looking}</p>`;
    if (typeof found === "string") return html`<p class="chip none" role="status">${t.none}</p>`;
    return html`<p class="chip ${found.fallback ? "software" : ""}" role="status">
      ${t.label} <b>${found.name || t.unnamed}</b> ${found.fallback ? t.software : t.hardware}
    </p>`;
  }

  readonly #follow = () => {
    if (location.hash === STUDIO) this.#skip();
  };
  readonly #skip = () => {
    const found = this.renderRoot.querySelector<HTMLElement>("#studio");
    if (found) holdAtTop(found);
  };
  readonly #changeLanguage = (event: Event) => {
    setLanguage((event.target as HTMLSelectElement).value as Language);
  };
  readonly #changeTheme = (event: Event) => {
    setTheme((event.target as HTMLSelectElement).value as Theme);
  };
}
