import { css, html } from "lit";
import type { Missing } from "../adapter.js";
import { PageElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Says why there is no GPU to train on, which browsers have one, and how to switch it on. */
export class NoWebGPU extends PageElement {
  static override styles = [
    base,
    controls,
    css`
      :host {
        max-width: 46rem;
      }
      h2 {
        font-size: 1.375rem;
        margin-bottom: 0.5rem;
      }
      h3 {
        font-size: 1rem;
        margin: 1.75rem 0 0.5rem;
      }
      dl {
        display: grid;
        gap: 0.75rem 1.5rem;
      }
      dt {
        font-weight: 600;
      }
      @media (min-width: 36rem) {
        dl {
          grid-template-columns: 11rem 1fr;
        }
      }
      dd {
        overflow-wrap: anywhere;
      }
      button {
        margin-top: 1.75rem;
      }
    `,
  ];

  declare reason: Missing;

  override render() {
    const t = this.t.unsupported;
    const rows = (pairs: readonly (readonly [string, string])[]) =>
      html`<dl>${pairs.map(([name, what]) => html`<dt>${name}</dt><dd>${what}</dd>`)}</dl>`;
    return html`
      <h2>${t.title}</h2>
      <p>${t[this.reason]} ${this.reason === "insecure" ? t.insecureRemedy : ""}</p>
      <h3>${t.has}</h3>
      ${rows(t.browsers)}
      <h3>${t.how}</h3>
      ${rows(t.steps)}
      <button class="primary" @click=${() => this.dispatchEvent(new Event("again"))}>${t.again}</button>
    `;
  }
}
