import { css, html, nothing } from "lit";
import { rate, whole } from "../format.js";
import type { AdapterReport, CheckReport, GpuTestReport, SpeedReport } from "../gpu-test/report.js";
import { PageElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** What a test of the GPU found: verdict, speeds, and tables to unfold. */
export class GpuTestResults extends PageElement {
  static override styles = [
    base,
    controls,
    css`
      .verdict {
        margin-top: 1.25rem;
        font-size: 1.125rem;
        font-weight: 600;
      }
      .intro {
        max-width: 46rem;
      }
      .wrong {
        color: var(--warn);
      }
      dl.speeds {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr));
        gap: 1rem 1.5rem;
        max-width: 60rem;
        margin-top: 1.25rem;
      }
      .speeds dt {
        color: var(--muted);
        font-size: 0.8125rem;
      }
      .speeds dd {
        font-size: 1.5rem;
        font-weight: 500;
        letter-spacing: -0.015em;
        line-height: 1.25;
        font-variant-numeric: tabular-nums;
      }
      .speeds small {
        font-size: 0.8125rem;
        font-weight: 400;
        letter-spacing: 0;
        color: var(--muted);
      }
      .speeds .sizes {
        display: block;
        line-height: 1.4;
      }
      details {
        margin-top: 0.75rem;
        max-width: 60rem;
      }
      summary span {
        color: var(--muted);
        font-weight: 400;
      }
      table {
        width: 100%;
        margin: 0.5rem 0;
        border-collapse: collapse;
        font-size: 0.8125rem;
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        padding: 0.25rem 0;
        padding-inline-end: 0.75rem;
        border-bottom: 1px solid var(--line);
        font-weight: 400;
        text-align: start;
        vertical-align: top;
      }
      th:last-child,
      td:last-child {
        padding-inline-end: 0;
      }
      thead th {
        color: var(--muted);
        font-size: 0.75rem;
      }
      th[scope="row"] {
        overflow-wrap: anywhere;
      }
      th[scope="row"] small {
        display: block;
        color: var(--muted);
      }
      td {
        white-space: nowrap;
      }
      .figure {
        text-align: end;
        white-space: nowrap;
      }
      .facts {
        display: grid;
        gap: 0.25rem 1.5rem;
        margin-block: 0.5rem;
        font-size: 0.8125rem;
      }
      .facts dt {
        color: var(--muted);
      }
      .facts dd {
        overflow-wrap: anywhere;
      }
      .facts .limits {
        columns: 20rem;
        column-gap: 2rem;
      }
      .limits li {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
        list-style: none;
        break-inside: avoid;
      }
      @media (min-width: 40rem) {
        .facts {
          grid-template-columns: 8rem minmax(0, 1fr);
        }
      }
    `,
  ];
  static override properties = { report: { attribute: false } };

  declare report: GpuTestReport;

  override render() {
    const t = this.t.gpuTest;
    const { report } = this;
    const { state, message, checks, speeds, adapter } = report;
    const failed = checks.filter(({ passed }) => !passed).length;
    return html`
      ${message ? html`<p class="wrong" role="alert" lang="en">${message}</p>` : nothing}
      ${
        failed > 0
          ? html`<p class="verdict wrong">${t.someFailed(whole(failed), whole(checks.length))}</p>
              <p class="note intro">${t.failedNote}</p>`
          : state === "complete"
            ? html`<p class="verdict">${t.allPassed(whole(checks.length))}</p>`
            : nothing
      }
      ${speeds.length > 0 ? html`<dl class="speeds">${speeds.map((speed) => this.#speed(speed))}</dl>` : nothing}
      ${this.#checks(report, "kernels")} ${this.#checks(report, "cases")}
      ${adapter ? this.#adapter(adapter, report) : nothing}
    `;
  }

  #speed({ name, value, unit, sizes }: SpeedReport) {
    const t = this.t.gpuTest;
    const size = (key: string) => whole(sizes[key] ?? 0);
    const shown = {
      matmul: () => t.speedSizes.matmul(size("size")),
      attention: () => t.speedSizes.attention(size("length"), size("numHashes")),
      training: () => t.speedSizes.training(size("layers"), size("hiddenSize"), size("length")),
    }[name]();
    return html`<div>
      <dt>${t.speeds[name]}</dt>
      <dd>${rate(value)} <small>${t.units[unit]}</small><small class="sizes">${shown}</small></dd>
    </div>`;
  }

  #checks({ checks, planned }: GpuTestReport, part: CheckReport["part"]) {
    const t = this.t.gpuTest;
    const own = checks.filter((check) => check.part === part);
    if (own.length === 0) return nothing;
    const right = own.filter(({ passed }) => passed).length;
    return html`<details ?open=${right < own.length}>
      <summary>${t.parts[part]} <span class="number">${t.count(whole(right), whole(planned[part]))}</span></summary>
      <table>
        <thead>
          <tr>
            <th scope="col">${t.check}</th>
            <th scope="col">${t.result}</th>
            <th scope="col" class="figure">${t.error}</th>
            <th scope="col" class="figure">${t.bound}</th>
          </tr>
        </thead>
        <tbody>
          ${own.map((check) => this.#row(check))}
        </tbody>
      </table>
      <p class="note">${t.errorNote}</p>
    </details>`;
  }

  #row({ name, what, passed, tensor, error, bound, message }: CheckReport) {
    const t = this.t.gpuTest;
    const figure = (value: number) => (Number.isFinite(value) ? value.toExponential(1) : "∞");
    return html`<tr>
      <th scope="row" lang="en">${name}<small>${message ?? what}</small></th>
      <td class=${passed ? "" : "wrong"}>${passed ? `✓ ${t.passed}` : `✗ ${t.failed}`}</td>
      <td class="figure" title=${tensor}>${error === 0 ? t.exact : figure(error)}</td>
      <td class="figure">${error === 0 && bound === 0 ? nothing : figure(bound)}</td>
    </tr>`;
  }

  #adapter(adapter: AdapterReport, { browser }: GpuTestReport) {
    const t = this.t.gpuTest;
    const { vendor, architecture, device, description, software, features, languageFeatures, limits } =
      adapter;
    const name = [vendor, architecture, device, description].filter(Boolean).join(" · ");
    const kind = software ? this.t.adapter.software : this.t.adapter.hardware;
    const list = (words: readonly string[]) => (words.length > 0 ? words.join(", ") : t.none);
    return html`<details>
      <summary>${t.adapter} <span>${name || this.t.adapter.unnamed}</span></summary>
      <dl class="facts">
        <dt>${t.name}</dt>
        <dd>${name || this.t.adapter.unnamed} (${kind})</dd>
        <dt>${t.browser}</dt>
        <dd lang="en">${browser.userAgent}</dd>
        <dt>${t.features}</dt>
        <dd lang="en">${list(features)}</dd>
        <dt>${t.languageFeatures}</dt>
        <dd lang="en">${list(languageFeatures)}</dd>
        <dt>${t.limits}</dt>
        <dd>
          <ul class="limits" lang="en">
            ${Object.entries(limits).map(
              ([limit, value]) =>
                html`<li><span>${limit}</span> <span class="number">${whole(value)}</span></li>`,
            )}
          </ul>
        </dd>
      </dl>
    </details>`;
  }
}
