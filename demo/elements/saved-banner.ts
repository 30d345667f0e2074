import { css, html, nothing } from "lit";
import { ago, decimals, whole } from "../format.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Offers to go on with the run of an earlier visit. */
export class SavedBanner extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      .banner {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1.5rem;
        padding: 0.75rem 1rem;
        border-radius: var(--radius);
        background: var(--wash);
      }
      .words {
        flex: 1 1 18rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
    `,
  ];

  override render() {
    const { savedRun, phase } = this.state;
    if (!savedRun || phase !== "idle") return nothing;
    const t = this.t.saved;
    const { step, steps, heldOutBits, textName, time } = savedRun;
    return html`<section class="banner" aria-labelledby="title">
      <div class="words">
        <h2 id="title">${t.title}</h2>
        <p class="note number">
          ${t.text(whole(step), whole(steps), textName ?? this.session.book.title)}
          ${heldOutBits === null ? nothing : t.heldOut(decimals(heldOutBits, 3))} ${t.when(ago(time))}
        </p>
      </div>
      <div class="actions">
        <button class="primary" @click=${() => void this.session.resume()}>${t.resume}</button>
        <button @click=${() => void this.session.discardSavedRun()}>${t.discard}</button>
      </div>
    </section>`;
  }
}
