import { css, html, nothing, svg } from "lit";
import { csv, csvFile } from "../figures/save.js";
import { bytes, whole } from "../format.js";
import { download } from "../model-file.js";
import type { MemoryUse } from "../runtime.js";
import { LENGTHS } from "../settings.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

const CATEGORIES = [
  "weights",
  "gradients",
  "optimizer",
  "streams",
  "workspace",
  "state",
  "dispatch parameters",
] as const;

/** GPU memory by category: planned before the start, and measured beside it. */
export class MemoryPlan extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
        margin-bottom: 0.5rem;
      }
      svg {
        display: block;
        width: 100%;
        height: 0.625rem;
        border-radius: 0.1875rem;
        background: var(--line);
      }
      rect,
      .swatch {
        fill: var(--tone);
        background: var(--tone);
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
        padding: 0.125rem 0;
        font-weight: 400;
        text-align: end;
        white-space: nowrap;
      }
      th[scope="row"],
      th:first-child {
        text-align: start;
        white-space: normal;
      }
      thead th {
        color: var(--muted);
        font-size: 0.75rem;
      }
      td,
      th[scope="col"] {
        padding-inline-start: 0.75rem;
      }
      th[scope="col"]:first-child {
        padding-inline-start: 0;
      }
      tfoot th,
      tfoot td {
        padding-top: 0.25rem;
        border-top: 1px solid var(--line);
        font-weight: 600;
      }
      .swatch {
        display: inline-block;
        width: 0.625rem;
        height: 0.625rem;
        margin-inline-end: 0.5rem;
        border-radius: 2px;
      }
      .warning {
        color: var(--warn);
      }
    `,
    ...CATEGORIES.map((_, i) => toneRule(i)),
  ];

  /** The settings that the plan is of. */
  #key = "";
  #plan: MemoryUse | Error | null = null;
  /** Tokens of the longest sequence that fits; null while it is looked for. */
  #longest: number | null = null;
  /** The most that was looked for. */
  #longestAsked = 0;

  override render() {
    const t = this.t.memory;
    this.#keepPlan();
    const plan = this.#plan;
    if (plan === null) return html`<h2>${t.title}</h2>`;
    if (plan instanceof Error) {
      return html`<h2>${t.title}</h2>
        <p class="note warning" role="alert">${this.t.settings.invalid}: ${plan.message}</p>
        ${this.#fits()}`;
    }
    const measured = this.state.measured?.key === this.#key ? this.state.measured.memory : null;
    const limit = this.state.adapter.maxStorageBufferBindingSize;
    const shown = CATEGORIES.filter((name) => plan[name] > 0 || (measured?.[name] ?? 0) > 0);
    return html`
      <h2>${t.title} <span class="number">${bytes(plan.total)}</span></h2>
      ${this.#bar(plan)}
      <table>
        <thead>
          <tr>
            <th scope="col">${t.category}</th>
            <th scope="col">${t.planned}</th>
            ${measured ? html`<th scope="col">${t.measured}</th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (name) => html`<tr>
              <th scope="row">
                <span class="swatch tone-${CATEGORIES.indexOf(name)}"></span>${t.categories[name]}
              </th>
              <td>${bytes(plan[name])}</td>
              ${measured ? html`<td>${bytes(measured[name])}</td>` : nothing}
            </tr>`,
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">${t.total}</th>
            <td>${bytes(plan.total)}</td>
            ${measured ? html`<td>${bytes(measured.total)}</td>` : nothing}
          </tr>
        </tfoot>
      </table>
      ${
        plan.largestBinding > limit
          ? html`<p class="note warning" role="alert">${t.tooLarge(bytes(plan.largestBinding), bytes(limit))}</p>`
          : html`<p class="note">${this.#verdict(plan, measured)}</p>`
      }
      ${this.#fits()}
      <p class="note">
        ${this.t.chapter.saveTable}
        <button class="quiet small" @click=${() => this.#save("csv", plan, measured)}>CSV</button>
        <button class="quiet small" @click=${() => this.#save("json", plan, measured)}>JSON</button>
      </p>
    `;
  }

  /** The table in bytes, with what was measured where something was. */
  #save(kind: "csv" | "json", plan: MemoryUse, measured: MemoryUse | null): void {
    const rows = [...CATEGORIES, "total" as const].map((category) => ({
      category,
      planned: plan[category],
      measured: measured?.[category] ?? null,
    }));
    const file =
      kind === "csv"
        ? csvFile(csv([Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]))
        : new Blob([JSON.stringify({ adapter: this.state.adapter.name, unit: "bytes", rows }, null, 1)], {
            type: "application/json",
          });
    download(file, `reformer-memory.${kind}`);
  }

  /** How long sequences may be. */
  #fits() {
    return this.#longest === null
      ? nothing
      : html`<p class="note">${this.t.memory.longest(whole(this.#longest), whole(this.#longestAsked))}</p>`;
  }

  #bar(plan: MemoryUse) {
    let x = 0;
    const parts = CATEGORIES.map((name, i) => {
      const width = (100 * plan[name]) / Math.max(1, plan.total);
      x += width;
      return svg`<rect class="tone-${i}" x="${x - width}%" width="${width}%" height="100%" />`;
    });
    return html`<svg aria-hidden="true">${parts}</svg>`;
  }

  #verdict(plan: MemoryUse, measured: MemoryUse | null): string {
    const t = this.t.memory;
    if (!measured) return t.beforeStart;
    const difference = measured.total - plan.total;
    return difference === 0 ? t.asPlanned : t.differs(bytes(difference));
  }

  /** Asks for the plan of the settings as they are, where that is another one; the last one stays in view until then. */
  #keepPlan(): void {
    const { config, options, key } = this.session.plan;
    if (key === this.#key) return;
    this.#key = key;
    this.#longest = null;
    const show = (plan: MemoryUse | Error) => {
      if (key !== this.#key) return; // the settings have changed meanwhile
      this.#plan = plan;
      this.requestUpdate();
    };
    const { maxBufferSize, maxStorageBufferBindingSize } = this.state.adapter;
    const limits = { maxBufferSize, maxStorageBufferBindingSize };
    const { runtime } = this.session;
    runtime
      .planMemory(config, options, limits)
      .then(show, (error: unknown) => {
        show(error instanceof Error ? error : new Error(String(error)));
      })
      .then(async () => {
        if (key !== this.#key) return;
        // A loaded model has its positions; one that is to be made can have as many as the page offers.
        const model = this.state.modelFile ? config : { ...config, maxLength: LENGTHS.at(-1) ?? 1 };
        const longest = await runtime.longestLength(model, options, limits);
        if (key !== this.#key) return;
        this.#longestAsked = model.maxLength ?? longest;
        this.#longest = longest;
        this.requestUpdate();
      })
      .catch(() => undefined); // the plan has said what is wrong
  }
}

/** Tones from deep to pale along one hue, so that neighbours differ in light and dark. */
function toneRule(i: number) {
  const light = 38 + i * 8;
  const dark = 84 - i * 8;
  const chroma = (0.11 - i * 0.01).toFixed(3);
  const hue = 240 - i * 9;
  return css`
    .tone-${i} {
      --tone: light-dark(oklch(${light}% ${Number(chroma)} ${hue}), oklch(${dark}% ${Number(chroma)} ${hue}));
    }
  `;
}
