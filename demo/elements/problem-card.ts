import { css, html, nothing } from "lit";
import { SessionElement } from "./page-element.js";
import { problemText } from "./problem-text.js";
import { base, controls } from "./styles.js";

/** After these the model is gone, and a new one must take over from the checkpoint. */
const FATAL = ["DeviceLostError", "WorkerDiedError"];
const RESUMABLE = [...FATAL, "DivergedError", "LockedError", "GpuOutOfMemoryError"];

/** The last error, kindly: what happened, what to do, and the program's own words behind a fold. */
export class ProblemCard extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      .card {
        display: grid;
        gap: 0.5rem;
        padding: 0.875rem 1rem;
        border-radius: var(--radius);
        border: 1px solid var(--warn);
        background: var(--warn-wash);
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
      code {
        display: block;
        margin-top: 0.25rem;
        font-size: 0.8125rem;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ];

  override render() {
    const { problem, savedStep, phase } = this.state;
    if (!problem) return nothing;
    const t = this.t.errors;
    const { title, remedy, own } = problemText(problem, this.t);
    const resumable = savedStep !== null && !this.session.busy && RESUMABLE.includes(problem.name);
    return html`<div class="card" role="alert">
      <h2>${title}</h2>
      <p>${remedy}</p>
      ${
        own
          ? nothing
          : html`<details>
            <summary>${t.details}</summary>
            <code lang="en">${problem.name}: ${problem.message}</code>
          </details>`
      }
      <div class="actions">
        ${
          resumable && phase !== "paused"
            ? html`<button @click=${() => void (FATAL.includes(problem.name) ? this.session.recover() : this.session.resume())}>${t.resume}</button>`
            : nothing
        }
        <button @click=${() => this.session.set({ problem: null })}>${t.dismiss}</button>
      </div>
    </div>`;
  }
}
