import { html, nothing } from "lit";
import { limitsOf, modelOf } from "../chapter/models.js";
import { linePlot } from "../figures/plot.js";
import { bytes, decimals, milliseconds, short, whole } from "../format.js";
import { en, zh } from "./04-length.text.js";
import { choice } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

interface Row {
  readonly length: number;
  readonly rounds: number;
  readonly full: number | null;
  readonly fullExpected: number | null;
  readonly lsh: number | null;
  readonly work: number | null;
  /** Bytes, or `NO_ROOM`. */
  readonly planFull: number | null;
  readonly planLsh: number | null;
}
type Kind = "full" | "lsh";

/** More bytes than the adapter allows. */
const NO_ROOM = -1;
/** WebGPU's default for one storage buffer, in bytes. */
const DEFAULT_BLOCK = 2 ** 27;

const SIZES = {
  slow: { from: 128, upTo: 4096, heads: 1, headSize: 32, chunkLength: 32, budget: 1500 },
  fast: { from: 256, upTo: 131_072, heads: 4, headSize: 64, chunkLength: 64, budget: 1500 },
} as const;
const ROUNDS = [1, 2, 4, 8] as const;

/** Time and memory of attention against length, measured until full attention takes too long or no longer fits. */
class LengthStation extends Station<Row> {
  readonly number = 4;
  #rounds: number = 2;
  #what: "time" | "memory" = "time";

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }

  get #lengths(): number[] {
    const { from, upTo } = this.#size;
    return Array.from({ length: Math.log2(upTo / from) + 1 }, (_, i) => from * 2 ** i);
  }

  /** The memory that each length needs, whether or not there is a GPU. */
  protected override async compute(): Promise<void> {
    const rounds = this.#rounds;
    for (const length of this.#lengths) {
      const [planFull, planLsh] = [await this.#plan(length, "full"), await this.#plan(length, "lsh")];
      if (rounds !== this.#rounds) return; // another number of rounds has been chosen
      this.put({ ...this.#row(length), planFull, planLsh });
    }
  }

  #row(length: number): Row {
    const rounds = this.#rounds;
    const known = this.rows.find((row) => row.length === length);
    const unknown = { full: null, fullExpected: null, lsh: null, work: null, planFull: null, planLsh: null };
    return known ?? { length, rounds, ...unknown };
  }

  /** Bytes of a training step of one such layer; `NO_ROOM` where they are more than the adapter allows. */
  async #plan(length: number, kind: Kind): Promise<number> {
    const { heads, headSize, chunkLength } = this.#size;
    const config = {
      ...modelOf({ length, depth: 1, hiddenSize: heads * headSize }, kind),
      ...{ numHashes: this.#rounds, lshChunkLength: chunkLength },
    };
    try {
      return (await this.chapter.planMemory(config, { length }, limitsOf(this.chapter))).total;
    } catch (error) {
      if (error instanceof Error && error.name === "GpuOutOfMemoryError") return NO_ROOM;
      throw error;
    }
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { from: _, upTo: __, ...sizes } = this.#size;
    const rounds = this.#rounds;
    this.clear();
    await this.compute(); // with what this adapter allows
    signal.throwIfAborted();
    const cases = this.rows.flatMap(({ length, planFull, planLsh }) => [
      ...(planLsh === NO_ROOM ? [] : [{ length, rounds }]),
      ...(planFull === NO_ROOM ? [] : [{ length, rounds: 0 }]),
    ]);
    for await (const told of this.run("attention", { ...sizes, cases }, signal)) {
      const known = this.#row(told.length);
      this.put(
        told.rounds === 0
          ? { ...known, full: told.milliseconds, fullExpected: told.expected }
          : { ...known, lsh: told.milliseconds, work: told.bytes },
      );
      this.chapter.findings.set({
        scaling: this.rows.flatMap(({ length, full, lsh }) =>
          lsh === null ? [] : [{ length, rounds, full, lsh }],
        ),
      });
    }
  }

  /** Bytes of scores at a length. */
  #scores(length: number): { full: number; lsh: number } {
    const { heads, chunkLength } = this.#size;
    return { full: 4 * heads * length ** 2, lsh: 4 * heads * length * this.#rounds * 2 * chunkLength };
  }

  protected words() {
    const { sentences, tryThis } = this.#t;
    const caption = this.#what === "time" ? this.#captionTime() : this.#captionMemory();
    return { sentences, terms: ["attention", "round", "chunk"] as const, tryThis, caption };
  }
  protected override figureSources() {
    if (this.#what === "memory") return ["computed"] as const;
    const expected = this.rows.some(({ fullExpected }) => fullExpected !== null);
    return expected ? (["measured", "computed"] as const) : (["measured"] as const);
  }

  #captionTime(): string {
    const { captionTime, captionEnd } = this.#t;
    const ends = (["full", "lsh"] as const).flatMap((kind) => {
      const first = this.rows.find((row) => row[kind === "full" ? "planFull" : "planLsh"] === NO_ROOM);
      return first ? [captionEnd(this.#nameOf(kind), whole(first.length))] : [];
    });
    return [captionTime, ...ends].join(" ");
  }
  #captionMemory(): string {
    const { captionMemory, captionLimit } = this.#t;
    const first = this.#lengths.find((length) => this.#scores(length).full > this.#block.bytes);
    return first === undefined ? captionMemory : `${captionMemory} ${captionLimit(whole(first))}`;
  }
  /** The largest single block that there may be. */
  get #block(): { readonly bytes: number; readonly own: boolean } {
    const { adapter } = this.chapter;
    return typeof adapter === "object" && adapter
      ? { bytes: adapter.maxStorageBufferBindingSize, own: true }
      : { bytes: DEFAULT_BLOCK, own: false };
  }
  #nameOf(kind: Kind): string {
    return kind === "full" ? this.#t.full : this.#t.lsh(whole(this.rows[0]?.rounds ?? this.#rounds));
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how } = this.#t;
    const { heads, headSize } = this.#size;
    const timed = how.time(whole(heads), whole(headSize));
    const plan = (key: string, label: string, value: (row: Row) => number | null): Column<Row> => ({
      ...{ key, label, show: bytes, source: "computed", how: how.plan(whole(heads * headSize)) },
      value: (row) => (value(row) === NO_ROOM ? this.#t.noRoom : value(row)),
    });
    return [
      { key: "length", label: c.length, value: ({ length }) => length, show: whole },
      {
        key: "full",
        label: c.full,
        value: ({ full, fullExpected, planFull }) =>
          planFull === NO_ROOM ? this.#t.noRoom : (full ?? fullExpected),
        show: milliseconds,
        source: ({ full }) => (full === null ? "computed" : "measured"),
        how: timed,
      },
      {
        key: "lsh",
        label: this.#nameOf("lsh"),
        value: ({ lsh, planLsh }) => (planLsh === NO_ROOM ? this.#t.noRoom : lsh),
        show: milliseconds,
        source: ({ planLsh }) => (planLsh === NO_ROOM ? "computed" : "measured"),
        how: timed,
      },
      {
        key: "ratio",
        label: c.ratio,
        value: ({ full, lsh }) => (full === null || lsh === null ? null : full / lsh),
        show: (v) => decimals(v, 2),
        source: "measured",
        how: how.ratio,
      },
      {
        key: "fullScores",
        label: c.fullScores,
        value: ({ length }) => this.#scores(length).full,
        show: bytes,
        source: "computed",
        how: how.fullScores,
      },
      {
        key: "lshScores",
        label: c.lshScores,
        value: ({ length }) => this.#scores(length).lsh,
        show: bytes,
        source: "computed",
        how: how.lshScores,
      },
      {
        key: "work",
        label: c.work,
        value: ({ work }) => work,
        show: bytes,
        source: "measured",
        how: how.work,
      },
      plan("planned full", c.planFull, (row) => row.planFull),
      plan("planned lsh", c.planLsh, (row) => row.planLsh),
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
      ${choice(
        t.what,
        this.#what,
        [
          ["time", t.time],
          ["memory", t.memory],
        ],
        (what) => {
          this.#what = what;
          this.requestUpdate();
        },
      )}
      ${
        this.gpu
          ? choice<number>(
              t.rounds,
              this.#rounds,
              ROUNDS.map((n) => [n, `${t.rounds} ${n}`] as const),
              (rounds) => {
                this.#rounds = rounds;
                this.clear();
                void this.begin();
              },
            )
          : nothing
      }
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const { from, upTo } = this.#size;
    const ticks = this.#lengths;
    const x = { label: t.length, log: true, show: short, ticks, include: [from, upTo] };
    const names = { lsh: this.#nameOf("lsh"), full: t.full };
    if (this.#what === "memory") {
      const { bytes: limit, own } = this.#block;
      const line = (kind: "lsh" | "full") =>
        ticks.map((length) => [length, this.#scores(length)[kind]] as const);
      return linePlot({
        width: this.width,
        title: t.memory,
        x,
        y: {
          label: t.memory,
          log: true,
          show: bytes,
          ticks: Array.from({ length: 10 }, (_, i) => 2 ** (14 + 4 * i)),
        },
        series: [
          { label: names.full, tone: "full", points: line("full") },
          { label: names.lsh, tone: "lsh", points: line("lsh") },
        ],
        lines: [
          { y: limit, label: own ? t.limit(bytes(limit)) : t.limitDefault(bytes(limit)), tone: "quiet" },
        ],
      });
    }
    const measured = (kind: "lsh" | "full") =>
      this.rows.flatMap((row) => (row[kind] === null ? [] : [[row.length, row[kind] as number] as const]));
    const full = measured("full");
    const expected = this.rows.flatMap(({ length, fullExpected }) =>
      fullExpected === null ? [] : [[length, fullExpected] as const],
    );
    return linePlot({
      width: this.width,
      title: t.time,
      x,
      y: { label: t.time, log: true, show: milliseconds, include: [1] },
      series: [
        { label: expected.length > 0 ? "" : names.full, tone: "full", points: full },
        {
          label: expected.length > 0 ? names.full : "",
          tone: "full",
          points: expected.length > 0 ? [...full.slice(-1), ...expected] : [],
          dashed: true,
          dots: false,
        },
        { label: names.lsh, tone: "lsh", points: measured("lsh") },
      ],
    });
  }
}
customElements.define("reformer-station-length", LengthStation);
