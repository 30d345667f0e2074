import { css, html, nothing } from "lit";
import { visible, whole } from "../format.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** What the model would write at the last sampled step, and what it wrote before. */
export class ModelSample extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 0 0.75rem;
        margin-bottom: 0.5rem;
      }
      .text {
        font-family: var(--serif);
        font-size: 1.125rem;
        line-height: 1.6;
        max-width: 42em;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .prompt {
        color: var(--muted);
      }
      ol {
        display: grid;
        gap: 0.75rem;
        margin-top: 0.5rem;
        list-style: none;
      }
      ol .text {
        font-size: 0.9375rem;
      }
    `,
  ];

  override render() {
    const t = this.t.sample;
    const [newest, ...earlier] = this.state.samples;
    return html`
      <header>
        <h2>${t.title}</h2>
        ${newest ? html`<span class="note number">${t.at(whole(newest.step))}</span>` : nothing}
      </header>
      ${
        newest
          ? html`<p class="text"><span class="prompt">${newest.prompt}</span>${visible(newest.text)}</p>`
          : html`<p class="note">${t.empty}</p>`
      }
      ${
        earlier.length > 0
          ? html`<details>
            <summary>${t.earlier}</summary>
            <ol>
              ${earlier.map(
                ({ step, prompt, text }) => html`<li>
                  <span class="note number">${t.at(whole(step))}</span>
                  <p class="text"><span class="prompt">${prompt}</span>${visible(text)}</p>
                </li>`,
              )}
            </ol>
          </details>`
          : nothing
      }
    `;
  }
}
