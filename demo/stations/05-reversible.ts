import { html } from "lit";
import { limitsOf, modelOf, ROOMY } from "../chapter/models.js";
import type { Source } from "../chapter/sources.js";
import { linePlot } from "../figures/plot.js";
import { reconstruction } from "../figures/reversible.js";
import { bytes, decimals, milliseconds, short, whole } from "../format.js";
import type { MemoryUse } from "../runtime.js";
import { en, zh } from "./05-reversible.text.js";
import { choice, slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

interface Row {
  readonly depth: number;
  readonly reversible: number | null;
  readonly stored: number | null;
  /** All bytes of the small model that is timed: planned, and held while it trained. */
  readonly plannedReversible: number | null;
  readonly allocatedReversible: number | null;
  readonly plannedStored: number | null;
  readonly allocatedStored: number | null;
  readonly msReversible: number | null;
  readonly msStored: number | null;
  readonly difference: number | null;
}

const DEPTHS = [2, 4, 8, 12, 16, 24];
/** The width that memory is planned for. */
const WIDTH = 256;
const SIZES = {
  slow: { hiddenSize: 32, length: 64, steps: 4, budget: 1500, timed: [2, 4] },
  fast: { hiddenSize: 128, length: 1024, steps: 10, budget: 2000, timed: [2, 4, 8, 12] },
} as const;

const activations = ({ total, weights, gradients, optimizer }: MemoryUse) =>
  total - weights - gradients - optimizer;
const format = (value: number) => (value === 0 ? "0" : value.toExponential(1));

/** Memory against depth, and the exactness of going back. */
class ReversibleStation extends Station<Row> {
  readonly number = 5;
  #what: "memory" | "error" = "memory";
  #power = 12;
  #asked = 0;
  #errors: readonly { depth: number; float: number; fixed: number }[] = [];

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }

  #row(depth: number): Row {
    return (
      this.rows.find((row) => row.depth === depth) ?? {
        ...{ depth, reversible: null, stored: null, msReversible: null, msStored: null, difference: null },
        ...{ plannedReversible: null, allocatedReversible: null },
        ...{ plannedStored: null, allocatedStored: null },
      }
    );
  }

  protected override async compute(): Promise<void> {
    const asked = ++this.#asked;
    const length = 2 ** this.#power;
    for (const depth of DEPTHS) {
      const config = modelOf({ length, depth, hiddenSize: WIDTH }, "local", "lsh");
      const plan = async (backward: "reversible" | "stored") =>
        activations(await this.chapter.planMemory(config, { length, backward }, ROOMY));
      const [reversible, stored] = [await plan("reversible"), await plan("stored")];
      if (asked !== this.#asked) return; // the slider has moved on
      if (this.#errors.length < DEPTHS.length)
        this.#errors = [...this.#errors, { depth, ...reconstruction(depth) }];
      const small = await this.#planSmall(depth);
      if (asked !== this.#asked) return;
      this.put({ ...this.#row(depth), reversible, stored, ...small });
    }
    this.chapter.findings.set({
      depth: this.rows.map(({ depth, reversible, stored }) => ({
        depth,
        reversible: reversible ?? 0,
        stored: stored ?? 0,
      })),
    });
  }

  /** The model of that depth that is timed; none is where it would take too long. */
  #small(depth: number) {
    const { hiddenSize, length, timed } = this.#size;
    const isTimed = (timed as readonly number[]).includes(depth);
    return isTimed ? modelOf({ length, depth, hiddenSize }, "local", "lsh") : null;
  }
  async #planSmall(depth: number): Promise<Pick<Row, "plannedReversible" | "plannedStored">> {
    const config = this.#small(depth);
    const { length } = this.#size;
    const plan = async (backward: "reversible" | "stored") =>
      config && (await this.chapter.planMemory(config, { length, backward }, limitsOf(this.chapter))).total;
    return { plannedReversible: await plan("reversible"), plannedStored: await plan("stored") };
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { length, steps, budget, timed } = this.#size;
    const text = (await this.chapter.text()).slice(0, 40 * length);
    for (const depth of timed) {
      const config = this.#small(depth);
      if (!config) continue;
      const planned = await this.#planSmall(depth);
      const losses = new Map<string, number[]>();
      const runs = (["reversible", "stored"] as const).map((backward) => ({
        name: backward,
        config,
        options: { steps, length, backward },
      }));
      for await (const told of this.run("training", { text, runs, seed: 1, budget }, signal)) {
        if (told.kind === "step") losses.set(told.run, [...(losses.get(told.run) ?? []), told.loss]);
        else {
          const { milliseconds: ms, bytes: held } = told;
          const found =
            told.run === "stored"
              ? { msStored: ms, allocatedStored: held }
              : { msReversible: ms, allocatedReversible: held };
          this.put({ ...this.#row(depth), ...planned, ...found });
        }
      }
      const [a = [], b = []] = [losses.get("reversible"), losses.get("stored")];
      const shared = Math.min(a.length, b.length);
      const difference = Math.max(
        ...Array.from({ length: shared }, (_, i) => Math.abs((a[i] ?? 0) - (b[i] ?? 0))),
      );
      this.put({ ...this.#row(depth), difference });
      const before = this.chapter.findings.state.inversion;
      this.chapter.findings.set({
        inversion: {
          difference: Math.max(difference, before?.difference ?? 0),
          steps: shared + (before?.steps ?? 0),
        },
      });
    }
  }

  protected words() {
    const { sentences, tryThis, captionMemory, captionError } = this.#t;
    const caption = this.#what === "memory" ? captionMemory : captionError;
    return { sentences, terms: ["residual", "backpropagation", "activations"] as const, tryThis, caption };
  }
  protected override figureSources() {
    return ["computed"] as const;
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how } = this.#t;
    const planned = how.memory(whole(2 ** this.#power), whole(WIDTH));
    const { length, hiddenSize } = this.#size;
    const small = (
      key: "plannedReversible" | "allocatedReversible" | "plannedStored" | "allocatedStored",
      source: Source,
      said?: string,
    ): Column<Row> => ({ key, label: c[key], value: (row) => row[key], show: bytes, source, how: said });
    return [
      { key: "layers", label: c.depth, value: ({ depth }) => depth, show: whole },
      {
        key: "reversible",
        label: c.reversible,
        value: (row) => row.reversible,
        show: bytes,
        source: "computed",
        how: planned,
      },
      {
        key: "stored",
        label: c.stored,
        value: (row) => row.stored,
        show: bytes,
        source: "computed",
        how: planned,
      },
      {
        key: "saved",
        label: c.saved,
        value: ({ stored, reversible }) =>
          stored === null || reversible === null ? null : stored / reversible,
        show: (v) => `${decimals(v, 1)}×`,
        source: "computed",
        how: how.saved,
      },
      small("plannedReversible", "computed", how.small(whole(length), whole(hiddenSize))),
      small("allocatedReversible", "measured", how.allocated),
      small("plannedStored", "computed"),
      small("allocatedStored", "measured"),
      {
        key: "msReversible",
        label: c.msReversible,
        value: (row) => row.msReversible,
        show: milliseconds,
        source: "measured",
        how: how.ms,
      },
      {
        key: "msStored",
        label: c.msStored,
        value: (row) => row.msStored,
        show: milliseconds,
        source: "measured",
        how: how.ms,
      },
      {
        key: "difference",
        label: c.difference,
        value: (row) => row.difference,
        show: format,
        source: "measured",
        how: how.difference,
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
      ${choice(
        t.what,
        this.#what,
        [
          ["memory", t.memory],
          ["error", t.error],
        ],
        (what) => {
          this.#what = what;
          this.requestUpdate();
        },
      )}
      ${slider(t.length, this.#power, { min: 9, max: 15, show: (v) => short(2 ** v) }, (power) => {
        this.#power = power;
        void this.compute();
      })}
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const x = { label: t.depth, show: whole, ticks: DEPTHS };
    if (this.#what === "error") {
      const least = 1e-9;
      return linePlot({
        width: this.width,
        title: t.errorAxis,
        x,
        y: { label: t.errorAxis, log: true, show: (v) => v.toExponential(0), include: [least, 1e-5] },
        series: [
          {
            label: t.float,
            tone: "full",
            points: this.#errors.map(({ depth, float }) => [depth, Math.max(float, least)] as const),
          },
          {
            label: t.fixed,
            tone: "lsh",
            points: this.#errors.map(({ depth, fixed }) => [depth, Math.max(fixed, least)] as const),
          },
        ],
      });
    }
    const line = (kind: "reversible" | "stored") =>
      this.rows.flatMap((row) => (row[kind] === null ? [] : [[row.depth, row[kind] as number] as const]));
    return linePlot({
      width: this.width,
      title: t.memory,
      x,
      y: { label: t.memory, show: bytes, binary: true, include: [0] },
      series: [
        { label: t.stored, tone: "full", points: line("stored") },
        { label: t.reversible, tone: "lsh", points: line("reversible") },
      ],
    });
  }
}
customElements.define("reformer-station-reversible", ReversibleStation);
