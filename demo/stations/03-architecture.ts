import { css, html, nothing, svg } from "lit";
import { modelOf, ROOMY } from "../chapter/models.js";
import { type NamedShape, tensorsOf } from "../chapter/tensors.js";
import { widthOf } from "../figures/text-width.js";
import { bytes, milliseconds, percent, whole } from "../format.js";
import type { Told } from "../lab/protocol.js";
import { en, zh } from "./03-architecture.text.js";
import { choice } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Kind = "lsh" | "local" | "full";
type Dispatch = Told<"architecture">["dispatches"][number];

interface Row {
  /** "embedding", "attention0", "feedForward0", … "head", "optimizer". */
  readonly block: string;
  readonly tensors: readonly NamedShape[];
  readonly forward: readonly string[];
  readonly backward: readonly string[];
  readonly ms: number | null;
}

const KINDS: readonly Kind[] = ["local", "lsh", "full"];
/** The layers at first, which are those of the recorded table. */
const FIRST: readonly Kind[] = ["local", "lsh"];
const SIZES = {
  slow: { hiddenSize: 32, length: 128, repeats: 1 },
  fast: { hiddenSize: 256, length: 4096, repeats: 3 },
} as const;

/** The block that a dispatch or a tensor belongs to. */
function blockOf(name: string): string {
  const layer = /(?:layer|layers\.)(\d+)/.exec(name)?.[1];
  if (layer !== undefined) return `${/feed[-_]forward/.test(name) ? "feedForward" : "attention"}${layer}`;
  if (/embedding/.test(name)) return "embedding";
  return /adam|adafactor|global-norm/.test(name) ? "optimizer" : "head";
}
const timesOf = (names: readonly string[]): [string, number][] => [
  ...names.reduce((counts, name) => counts.set(name, (counts.get(name) ?? 0) + 1), new Map<string, number>()),
];
const numbersIn = (tensors: readonly NamedShape[]) =>
  tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** The model as blocks to click: weights, dispatches and time of each. */
class ArchitectureStation extends Station<Row> {
  static override styles = [
    ...Station.styles,
    css`
      .controls .field {
        flex-basis: 15rem; /* the longest name of a block */
      }
      .block {
        cursor: pointer;
      }
      .block rect.box {
        fill: var(--surface);
        stroke: var(--edge);
      }
      .block.chosen rect.box {
        stroke: var(--ink);
        stroke-width: 2;
      }
      .stream {
        stroke: var(--edge);
        stroke-width: 2;
        fill: none;
      }
      .split {
        display: flex;
        flex-wrap: wrap;
        gap: 1rem 2rem;
      }
      .detail {
        flex: 1 1 18rem;
        display: grid;
        align-content: start;
        grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr));
        gap: 0.75rem 1.5rem;
        font-size: 0.8125rem;
      }
      .detail ul {
        margin-top: 0.25rem;
        padding: 0;
        list-style: none;
        color: var(--muted);
        overflow-wrap: anywhere;
      }
      .detail li {
        font-variant-numeric: tabular-nums;
      }
    `,
  ];
  readonly number = 3;
  #kinds: readonly Kind[] = FIRST;
  #chosen = "attention1";
  #planned: { readonly tokens: number; readonly bytes: number } | null = null;

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }

  get #blocks(): string[] {
    return [
      "embedding",
      ...this.#kinds.flatMap((_, i) => [`attention${i}`, `feedForward${i}`]),
      "head",
      "optimizer",
    ];
  }

  #nameOf(block: string): string {
    const { blocks, kinds } = this.#t;
    const [, part = "", layer = ""] = /^(\D+)(\d*)$/.exec(block) ?? [];
    const nth = whole(Number(layer) + 1);
    if (part === "attention") return blocks.attention(nth, kinds[this.#kinds[Number(layer)] ?? "lsh"]);
    if (part === "feedForward") return blocks.feedForward(nth);
    return part === "embedding" || part === "head" || part === "optimizer" ? blocks[part] : block;
  }

  get #config() {
    const { hiddenSize, length } = this.#size;
    return modelOf({ length, depth: this.#kinds.length, hiddenSize }, ...this.#kinds);
  }

  /** Weights and planned memory follow from the configuration. */
  protected override async compute(): Promise<void> {
    const config = this.#config;
    const tensors = tensorsOf(config);
    this.clear();
    for (const block of this.#blocks)
      this.put({
        ...{ block, forward: [], backward: [], ms: null },
        tensors: tensors.filter(({ name }) => blockOf(name) === block),
      });
    this.#planned = null;
    const { length } = this.#size;
    const memory = await this.chapter.planMemory(config, { length }, ROOMY).catch(() => null);
    if (this.#config.layers?.join() !== config.layers?.join()) return; // the layers have changed again
    this.#planned = memory && { tokens: length, bytes: memory.total };
    this.requestUpdate();
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { length, repeats } = this.#size;
    await this.compute();
    const params = { config: this.#config, training: { length, repeats } };
    for await (const { dispatches } of this.run("architecture", params, signal)) {
      for (const row of this.rows) {
        const own = dispatches.filter(({ label }) => blockOf(label) === row.block);
        const isBackward = ({ label }: Dispatch) => label.includes(".backward.");
        const times = own.map(({ nanoseconds }) => nanoseconds);
        this.put({
          ...row,
          forward: own.filter((dispatch) => !isBackward(dispatch)).map(({ kernel }) => kernel),
          backward: own.filter(isBackward).map(({ kernel }) => kernel),
          ms:
            own.length === 0 || times.includes(null)
              ? null
              : times.reduce<number>((a, b) => a + (b ?? 0), 0) / 1e6,
        });
      }
    }
  }

  protected override get recordedFits(): boolean {
    return this.#kinds.join() === FIRST.join();
  }

  protected words() {
    const { sentences, planned, tryThis, caption } = this.#t;
    const plan = this.#planned;
    return {
      sentences: plan ? [...sentences, planned(whole(plan.tokens), bytes(plan.bytes))] : sentences,
      terms: ["residual", "attention", "projection", "feedForward"] as const,
      ...{ tryThis, caption },
    };
  }
  protected override figureSources() {
    return this.#step > 0 ? (["measured"] as const) : (["computed"] as const);
  }

  get #step(): number {
    return this.rows.reduce((sum, { ms }) => sum + (ms ?? 0), 0);
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how } = this.#t;
    const dispatches = how.dispatches(whole(this.#size.length));
    const count = (list: readonly string[]) => (this.#step > 0 || list.length > 0 ? list.length : null);
    return [
      { key: "block", label: c.block, value: ({ block }) => this.#nameOf(block) },
      {
        key: "parameters",
        label: c.parameters,
        value: ({ tensors }) => numbersIn(tensors),
        show: whole,
        source: "computed",
        how: how.parameters,
      },
      {
        key: "forward",
        label: c.forward,
        value: ({ forward }) => count(forward),
        show: whole,
        source: "measured",
        how: dispatches,
      },
      {
        key: "backward",
        label: c.backward,
        value: ({ backward }) => count(backward),
        show: whole,
        source: "measured",
        how: dispatches,
      },
      {
        key: "time",
        label: c.time,
        value: ({ ms }) => ms,
        show: milliseconds,
        source: "measured",
        how: how.time,
      },
      {
        key: "share",
        label: c.share,
        value: ({ ms }) => (ms === null || this.#step === 0 ? null : ms / this.#step),
        show: percent,
        source: "measured",
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
        <span class="label">${t.layers}</span>
        ${this.#kinds.map((kind, i) =>
          choice<Kind>(
            `${t.layers} ${i + 1}`,
            kind,
            KINDS.map((k) => [k, t.kinds[k]] as const),
            (next) => {
              this.#kinds = this.#kinds.map((old, j) => (j === i ? next : old));
              if (this.gpu) void this.begin();
              else void this.compute();
            },
          ),
        )}
      </div>
      <div class="controls">
        <div class="field">
          <label for="block">${t.select}</label>
          <select id="block" @change=${(event: Event) => this.#choose((event.target as HTMLSelectElement).value)}>
            ${this.#blocks.map((block) => html`<option value=${block} .selected=${block === this.#chosen}>${this.#nameOf(block)}</option>`)}
          </select>
        </div>
      </div>`;
  }

  #choose(block: string): void {
    this.#chosen = block;
    this.requestUpdate();
  }

  #detail() {
    const t = this.#t;
    const row = this.rows.find(({ block }) => block === this.#chosen);
    if (!row) return nothing;
    const kernels = (title: string, names: readonly string[]) =>
      names.length === 0
        ? nothing
        : html`<div><b>${title}</b><ul lang="en">${timesOf(names).map(([name, times]) => html`<li>${times > 1 ? `${times} × ` : ""}${name}</li>`)}</ul></div>`;
    return html`<div class="detail">
      <div>
        <b>${t.tensors}</b>
        <ul lang="en">
          ${row.tensors.length === 0 ? html`<li>${t.none}</li>` : row.tensors.map(({ name, shape }) => html`<li>${name.replace(/^reformer\.|^encoder\./, "").replace(/.*layers\.\d+\./, "")} [${shape.join(", ")}]</li>`)}
        </ul>
      </div>
      ${kernels(t.kernels, row.forward)} ${kernels(t.kernelsBackward, row.backward)}
    </div>`;
  }

  protected figure() {
    const blocks = this.#blocks;
    const [row, box, wide] = [46, 32, Math.min(300, this.width - 90)];
    const [left, right] = [30, 30 + wide + 30];
    const height = blocks.length * row + 26;
    const last = blocks.length - 1;
    const total = right + 30;
    return html`<div class="split"><svg class="figure" width=${total} height=${height} viewBox="0 0 ${total} ${height}" role="img" aria-label=${blocks.map((block) => this.#nameOf(block)).join(", ")}>
      ${this.#t.streams.map((name, s) => svg`<text class="strong" x=${s === 0 ? left - 22 : right + 10} y="12">${name}</text>`)}
      <path class="stream" d="M${left - 14} 18V${18 + (last - 1) * row}M${right + 14} 18V${18 + (last - 1) * row}"></path>
      ${blocks.map((block, i) => {
        const y = 20 + i * row;
        const ms = this.rows.find((one) => one.block === block)?.ms ?? 0;
        const share = this.#step > 0 ? ms / this.#step : 0;
        const [from, to] = block.startsWith("attention") ? [right + 14, left - 14] : [left - 14, right + 14];
        const inLayer = /^(attention|feedForward)/.test(block);
        const name = this.#nameOf(block);
        return svg`<g class="block ${block === this.#chosen ? "chosen" : ""} ${/lsh/.test(this.#kinds[Number(/\d+/.exec(block)?.[0])] ?? "") && block.startsWith("attention") ? "lsh" : /full/.test(this.#kinds[Number(/\d+/.exec(block)?.[0])] ?? "") && block.startsWith("attention") ? "full" : "quiet"}" @click=${() => this.#choose(block)}>
          ${inLayer ? svg`<path class="stream" d="M${from} ${y + box / 2}H${from > to ? left + wide : left}M${from > to ? left : left + wide} ${y + box / 2}H${to}"></path><circle class="dot" cx=${to} cy=${y + box / 2} r="4"></circle>` : nothing}
          <rect class="box" x=${left} y=${y} width=${wide} height=${box} rx="6"></rect>
          <rect class="bar" x=${left} y=${y + box - 4} width=${wide * share} height="4" rx="2"></rect>
          <text class="strong" x=${left + 12} y=${y + 20}>${name}</text>
          ${share > 0 && widthOf(name) < wide - 70 ? svg`<text x=${left + wide - 10} y=${y + 20} text-anchor="end">${percent(share)}</text>` : nothing}
        </g>`;
      })}
    </svg>${this.#detail()}</div>`;
  }
}
customElements.define("reformer-station-architecture", ArchitectureStation);
