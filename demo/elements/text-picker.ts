import { css, html, nothing } from "lit";
import { whole } from "../format.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Which text to train on. */
export class TextPicker extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        margin-bottom: 0.625rem;
      }
      fieldset {
        display: grid;
        gap: 0.5rem;
      }
      .choice {
        display: flex;
        gap: 0.5rem;
        align-items: baseline;
        font-weight: 400;
        font-size: 0.9375rem;
        overflow-wrap: anywhere;
      }
      input[type="radio"] {
        flex: none;
        margin: 0;
        translate: 0 0.1em;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.375rem 0.75rem;
      }
      .row .note {
        flex: 1 1 10rem;
      }
      .facts {
        margin-top: 0.5rem;
      }
    `,
  ];

  override render() {
    const t = this.t.source;
    const { ownText, characters } = this.state;
    const { book, locked } = this.session;
    return html`
      <h2 id="title">${t.title}</h2>
      <fieldset ?disabled=${locked} aria-labelledby="title">
        <label class="choice">
          <input type="radio" name="text" .checked=${!ownText} @change=${() => this.session.useBook()} />
          <span>${t.book(book.title, book.author)}</span>
        </label>
        ${
          ownText
            ? html`<label class="choice">
              <input type="radio" name="text" .checked=${true} />
              <span>${ownText.name}</span>
            </label>`
            : nothing
        }
        <div class="row">
          <button @click=${() => this.renderRoot.querySelector<HTMLInputElement>("#file")?.click()}>
            ${t.choose}
          </button>
          <input id="file" type="file" hidden accept=".txt,.md,.csv,.html,.json,text/*" @change=${this.#chosen} />
          <span class="note">${t.drop}</span>
        </div>
      </fieldset>
      <p class="note facts number">
        ${characters === null ? nothing : html`${t.size(whole(characters))} · `}${t.heldOut}
      </p>
    `;
  }

  readonly #chosen = (event: Event) => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) void this.session.openFiles([file]);
    input.value = "";
  };
}
