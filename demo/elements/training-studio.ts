import { css, html, nothing } from "lit";
import { whole } from "../format.js";
import { SessionElement } from "./page-element.js";
import { base } from "./styles.js";

/** Settings beside the run, the run beside what the model writes. */
export class TrainingStudio extends SessionElement {
  static override styles = [
    base,
    css`
      :host {
        margin-top: 1.25rem;
      }
      run-bar {
        position: sticky;
        top: 0;
        z-index: 2;
        padding-block: 0.75rem;
        background: var(--paper);
      }
      .banners {
        display: grid;
        gap: 0.75rem;
      }
      .studio {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 2rem clamp(1.5rem, 3vw, 3.5rem);
        margin-top: 1.25rem;
      }
      .studio > div {
        display: grid;
        grid-template-columns: minmax(0, 1fr); /* a wide chart must not widen its column */
        gap: 1.75rem;
        align-content: start;
        min-width: 0;
      }
      .write {
        border-top: 1px solid var(--line);
        padding-top: 1.75rem;
      }
      @media (max-width: 59.99rem) {
        .settings {
          grid-row: 2;
          border-top: 1px solid var(--line);
          padding-top: 1.75rem;
        }
      }
      @media (min-width: 60rem) {
        .studio {
          grid-template-columns: minmax(18rem, 21rem) minmax(0, 1fr);
          grid-template-rows: auto 1fr;
        }
        .settings {
          grid-row: span 2;
        }
      }
      @media (min-width: 110rem) {
        .studio {
          grid-template-columns: 20rem minmax(0, 1fr) minmax(22rem, 28rem);
        }
        .settings {
          grid-row: auto;
        }
        .write {
          border-top: 0;
          padding-top: 0;
        }
      }
      run-table,
      gpu-test {
        margin-top: 2.5rem;
        border-top: 1px solid var(--line);
        padding-top: 1.75rem;
      }
      .drop {
        position: fixed;
        inset: 0.75rem;
        z-index: 4;
        display: grid;
        place-items: center;
        border: 2px dashed var(--accent);
        border-radius: calc(2 * var(--radius));
        background: color-mix(in oklch, var(--wash) 92%, transparent);
        font-size: 1.25rem;
        font-weight: 600;
        pointer-events: none;
      }
    `,
  ];

  #dragging = false;
  readonly #listeners: readonly [string, (event: never) => void][] = [
    ["dragover", (event: DragEvent) => this.#drag(event, true)],
    ["dragleave", (event: DragEvent) => event.relatedTarget === null && this.#drag(event, false)],
    ["drop", (event: DragEvent) => this.#drop(event)],
    ["paste", (event: ClipboardEvent) => this.#paste(event)],
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    for (const [type, listener] of this.#listeners)
      document.addEventListener(type, listener as EventListener);
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const [type, listener] of this.#listeners)
      document.removeEventListener(type, listener as EventListener);
  }

  override render() {
    const { session } = this;
    const { recoveredFrom, notice } = this.state;
    return html`
      <run-bar .session=${session}></run-bar>
      <div class="banners">
        <saved-banner .session=${session}></saved-banner>
        <problem-card .session=${session}></problem-card>
        ${
          recoveredFrom !== null
            ? html`<p class="note" role="status">${this.t.run.recovered(whole(recoveredFrom))}</p>`
            : notice !== null
              ? html`<p class="note" role="status" lang="en">${notice}</p>`
              : nothing
        }
      </div>
      <div class="studio">
        <div class="settings">
          <text-picker .session=${session}></text-picker>
          <model-settings .session=${session}></model-settings>
          <memory-plan .session=${session}></memory-plan>
        </div>
        <div class="run">
          <run-numbers .session=${session}></run-numbers>
          <loss-chart .session=${session}></loss-chart>
          <model-sample .session=${session}></model-sample>
        </div>
        <div class="write">
          <text-writer .session=${session}></text-writer>
          <model-keeper .session=${session}></model-keeper>
        </div>
      </div>
      <run-table .session=${session}></run-table>
      <gpu-test .session=${session}></gpu-test>
      ${this.#dragging ? html`<div class="drop" aria-hidden="true">${this.t.source.dropNow}</div>` : nothing}
    `;
  }

  #drag(event: DragEvent, dragging: boolean): void {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser would leave the page for the file
    this.#dragging = dragging && !this.session.locked;
    this.requestUpdate();
  }

  #drop(event: DragEvent): void {
    const files = [...(event.dataTransfer?.files ?? [])];
    this.#drag(event, false);
    if (files.length > 0) void this.session.openFiles(files);
  }

  /** A text, or a file, while the studio is on the screen; what is pasted into an input stays there. */
  #paste(event: ClipboardEvent): void {
    const { top, bottom } = this.getBoundingClientRect();
    if (top > innerHeight || bottom < 0) return;
    const [target] = event.composedPath();
    if (!event.clipboardData || (target instanceof Element && target.matches("input, textarea"))) return;
    const files = [...event.clipboardData.files];
    const text = event.clipboardData.getData("text/plain");
    if (files.length === 0 && text.trim() !== "") files.push(new File([text], this.t.source.pasted));
    if (files.length === 0) return;
    event.preventDefault();
    void this.session.openFiles(files);
  }
}
