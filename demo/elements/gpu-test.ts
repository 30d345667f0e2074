import { css, html, nothing } from "lit";
import { duration, whole } from "../format.js";
import {
  type Extent,
  type GpuTestReport,
  progressOf,
  reportFile,
  type SpeedReport,
} from "../gpu-test/report.js";
import { download } from "../model-file.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Tests the visitor's GPU, in part or in full. */
export class GpuTest extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        margin-bottom: 0.375rem;
      }
      .intro {
        max-width: 46rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1rem;
        margin-top: 0.875rem;
      }
      progress {
        width: 100%;
        max-width: 46rem;
        height: 0.375rem;
        margin-top: 0.75rem;
        accent-color: var(--accent);
      }
    `,
  ];

  #report: GpuTestReport | null = null;
  #abort: AbortController | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#abort?.abort();
  }

  override willUpdate(): void {
    if (this.session.busy) this.#abort?.abort(); // a visitor who starts training wants the GPU for it
  }

  async #start(extent: Extent): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    this.#report = null;
    this.requestUpdate();
    await this.session.writing.stop();
    const onReport = (report: GpuTestReport) => {
      this.#report = report;
      this.requestUpdate();
    };
    await this.session.runtime.testGpu(extent, { signal: abort.signal, onReport });
    this.#abort = undefined;
    this.requestUpdate();
  }

  override render() {
    const t = this.t.gpuTest;
    const report = this.#report;
    const { busy } = this.session;
    const { done, total } = report ? progressOf(report) : { done: 0, total: 0 };
    return html`
      <h2>${t.title}</h2>
      <p class="note intro">${t.note}</p>
      <div class="actions">
        ${
          this.#abort
            ? html`<button @click=${() => this.#abort?.abort()}>${t.cancel}</button>`
            : html`<button ?disabled=${busy} @click=${() => void this.#start("full")}>${t.full}</button>
                <button ?disabled=${busy} @click=${() => void this.#start("quick")}>${t.quick}</button>`
        }
        ${
          report && report.state !== "running"
            ? html`<button @click=${() => this.#save(report)}>${t.save}</button>`
            : nothing
        }
        <span class="note number" role="status">${this.#status(report, busy)}</span>
      </div>
      ${
        report?.state === "running"
          ? html`<progress aria-label=${t.progress} max=${Math.max(1, total)} .value=${done}></progress>`
          : nothing
      }
      ${report ? html`<gpu-test-report .report=${report}></gpu-test-report>` : nothing}
    `;
  }

  #status(report: GpuTestReport | null, busy: boolean): string {
    const t = this.t.gpuTest;
    if (!this.#abort && busy) return t.busy;
    if (!report) return this.#abort ? t.state.opening : this.state.adapter.fallback ? t.quickNote : "";
    const { state, current, seconds } = report;
    if (state === "complete") return t.state.complete(duration(seconds));
    if (state !== "running") return t.state[state];
    if (!current) return t.state.opening;
    const { done, total } = progressOf(report);
    const { part, name } = current;
    const shown = part === "speed" ? t.speeds[name as SpeedReport["name"]] : name;
    return `${t.state.running(whole(done), whole(total))} · ${this.t.chapter.named(t.parts[part], shown)}`;
  }

  #save(report: GpuTestReport): void {
    const { blob, name } = reportFile(report);
    download(blob, name);
  }
}
