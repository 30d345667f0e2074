import { css, html, nothing } from "lit";
import { csv, csvFile } from "../figures/save.js";
import { bytes, decimals, rate, small, whole } from "../format.js";
import { TAGS } from "../i18n/language.js";
import { download } from "../model-file.js";
import { forgetRuns, knownRuns, type Run } from "../runs.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** All runs of this browser side by side: what was trained, and what came of it. */
export class RunTable extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        margin-bottom: 0.5rem;
      }
      .scroll {
        position: relative; /* else what is visually hidden in it lies beyond the page's edge */
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: 0.875rem;
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        padding: 0.375rem 0.5rem;
        text-align: end;
        border-bottom: 1px solid var(--line);
      }
      th {
        font-weight: 550;
        line-height: 1.3;
        vertical-align: bottom;
      }
      td:not(.words) {
        white-space: nowrap;
      }
      td.words {
        min-width: 8rem;
      }
      th:first-child,
      td:first-child,
      .words {
        text-align: start;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
        margin-top: 0.75rem;
      }
    `,
  ];

  override render() {
    const t = this.t.runs;
    const runs = knownRuns();
    this.hidden = runs.length === 0;
    if (this.hidden) return nothing;
    const bestOf = (text: string) =>
      Math.min(...runs.map((run) => (run.text === text && run.heldOutBits) || Number.POSITIVE_INFINITY));
    const { locked } = this.session;
    return html`
      <h2 id="title">${t.title}</h2>
      <p class="note">${t.note}</p>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="title">
        <table>
          <thead>
            <tr>
              <th scope="col">${t.began}</th>
              <th scope="col" class="words">${t.text}</th>
              <th scope="col" class="words">${t.model}</th>
              <th scope="col">${t.parameters}</th>
              <th scope="col">${t.learningRate}</th>
              <th scope="col">${t.steps}</th>
              <th scope="col">${t.trainBits}</th>
              <th scope="col">${t.heldOutBits}</th>
              <th scope="col">${t.speed}</th>
              <th scope="col">${t.memory}</th>
              <th scope="col"><span class="visually-hidden">${t.use}</span></th>
            </tr>
          </thead>
          <tbody>
            ${runs.map(
              (run) => html`<tr>
                <td>${new Date(run.began).toLocaleString(TAGS[this.language], { dateStyle: "short", timeStyle: "short" })}</td>
                <td class="words">${run.text}</td>
                <td class="words">${this.#modelOf(run)}</td>
                <td>${whole(run.parameters)}</td>
                <td>${small(run.settings.learningRate)}</td>
                <td>${whole(run.step)}</td>
                <td>${decimals(run.trainBits, 3)}</td>
                <td>${run.heldOutBits === null ? "–" : this.#marked(run.heldOutBits, bestOf(run.text))}</td>
                <td>${rate(run.tokensPerSecond)}</td>
                <td>${bytes(run.memory)}</td>
                <td>
                  <button class="small" ?disabled=${locked} @click=${() => this.session.set({ settings: run.settings })}>
                    ${t.use}
                  </button>
                </td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <div class="row">
        <button class="small" @click=${() => this.#save("csv", runs)}>CSV</button>
        <button class="small" @click=${() => this.#save("json", runs)}>JSON</button>
        <button class="small" @click=${() => this.#forget()}>${t.forget}</button>
      </div>
    `;
  }

  #marked(bits: number, best: number) {
    const shown = decimals(bits, 3);
    return bits === best ? html`<b>${shown}</b>` : shown;
  }

  #modelOf({ settings, model }: Run): string {
    if (model !== null) return model;
    const { depth, hiddenSize, mix, numHashes, length } = settings;
    const kinds = this.t.settings.mixes[mix];
    return this.t.runs.shape(whole(depth), whole(hiddenSize), kinds, whole(numHashes), whole(length));
  }

  #save(kind: "csv" | "json", runs: readonly Run[]): void {
    const flat = runs.map(({ settings, ...run }) => ({ ...run, ...settings }));
    const names = Object.keys(flat[0] ?? {});
    const rows = flat.map((run) => names.map((name) => run[name as keyof typeof run]));
    const file =
      kind === "csv"
        ? csvFile(csv([names, ...rows]))
        : new Blob([JSON.stringify(flat, null, 2)], { type: "application/json" });
    download(file, `reformer-runs.${kind}`);
  }

  #forget(): void {
    forgetRuns();
    this.requestUpdate();
  }
}
