import { css, html } from "lit";
import { decimals, duration, rate, small, whole } from "../format.js";
import { SessionElement } from "./page-element.js";
import { base } from "./styles.js";

/** The numbers of the run as it goes. */
export class RunNumbers extends SessionElement {
  static override styles = [
    base,
    css`
      :host {
        container-type: inline-size;
      }
      dl {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 1rem 1.25rem;
      }
      @container (min-width: 28rem) {
        dl {
          grid-template-columns: repeat(3, minmax(0, 1fr));
        }
      }
      @container (min-width: 48rem) {
        dl {
          grid-template-columns: repeat(6, minmax(0, 1fr));
        }
      }
      dt {
        color: var(--muted);
        font-size: 0.8125rem;
      }
      dd {
        font-size: 1.5rem;
        font-weight: 500;
        letter-spacing: -0.015em;
        line-height: 1.25;
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      small {
        display: block;
        font-size: 0.75rem;
        font-weight: 400;
        letter-spacing: 0;
        line-height: 1.4;
        color: var(--muted);
        white-space: normal;
      }
      .held-out {
        color: var(--held-out);
      }
      .train {
        color: var(--accent);
      }
    `,
  ];

  override render() {
    const t = this.t.run;
    const { last, heldOut } = this.state;
    const none = "–";
    const tile = (name: string, value: string, note: string, kind = "") => html`
      <div>
        <dt>${name}</dt>
        <dd class=${kind}>${value}<small>${note}</small></dd>
      </div>
    `;
    return html`<dl>
      ${tile(t.step, last ? whole(last.step) : none, last ? t.of(whole(last.steps)) : "")}
      ${tile(t.heldOutBits, heldOut ? decimals(heldOut.bitsPerCharacter, 3) : none, t.heldOutNote, "held-out")}
      ${tile(t.trainBits, last ? decimals(last.bitsPerCharacter, 3) : none, t.trainNote, "train")}
      ${tile(t.speed, last ? rate(last.tokensPerSecond) : none, t.speedNote)}
      ${tile(t.left, last ? duration(last.secondsLeft) : none, t.leftNote)}
      ${tile(
        t.learningRate,
        last ? small(last.learningRate) : none,
        last ? `${t.gradientNorm} ${decimals(last.gradientNorm, 2)}` : "",
      )}
    </dl>`;
  }
}
