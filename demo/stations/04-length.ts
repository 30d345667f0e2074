import { html } from "lit";
import { linePlot } from "../figures/plot.js";
import { bytes, decimals, milliseconds, short, whole } from "../format.js";
import { en, zh } from "./04-length.text.js";
import { choice } from "./inputs.js";
import { type Column, phrasesOf, Station } from "./station.js";

interface Row {
  readonly length: number;
  readonly rounds: number;
  readonly full: number | null;
  readonly fullExpected: number | null;
  readonly lsh: number | null;
  readonly work: number | null;
}

const SIZES = {
  slow: { from: 128, upTo: 4096, heads: 1, headSize: 32, chunkLength: 32, budget: 1500 },
  fast: { from: 256, upTo: 131_072, heads: 4, headSize: 64, chunkLength: 64, budget: 1500 },
} as const;
const ROUNDS = [1, 2, 4, 8] as const;

/** Time and memory of attention against length, measured until full attention takes too long. */
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

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { from, upTo, ...sizes } = this.#size;
    const rounds = this.#rounds;
    this.clear();
    const lengths: number[] = [];
    for (let length = from; length <= upTo; length *= 2) lengths.push(length);
    const cases = lengths.flatMap((length) => [
      { length, rounds },
      { length, rounds: 0 },
    ]);
    for await (const told of this.run("attention", { ...sizes, cases }, signal)) {
      const known = this.rows.find(({ length }) => length === told.length) ?? {
        ...{ length: told.length, rounds, full: null, fullExpected: null, lsh: null, work: null },
      };
      this.put(
        told.rounds === 0
          ? { ...known, full: told.milliseconds, fullExpected: told.expected }
          : { ...known, lsh: told.milliseconds, work: told.bytes },
      );
      this.chapter.findings.set({
        scaling: this.rows.flatMap(({ length, full, lsh }) => (lsh === null ? [] : [{ length, full, lsh }])),
      });
    }
  }

  /** Bytes of scores at a length. */
  #scores(length: number): { full: number; lsh: number } {
    const { heads, chunkLength } = this.#size;
    return { full: 4 * heads * length ** 2, lsh: 4 * heads * length * this.#rounds * 2 * chunkLength };
  }

  protected words() {
    const { sentences, tryThis, captionTime, captionMemory } = this.#t;
    return { sentences, tryThis, caption: this.#what === "time" ? captionTime : captionMemory };
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how } = this.#t;
    const { heads, headSize } = this.#size;
    const timed = how.time(whole(heads), whole(headSize));
    const rounds = this.rows[0]?.rounds ?? this.#rounds;
    return [
      { key: "length", label: c.length, value: ({ length }) => length, show: whole },
      {
        key: "full",
        label: c.full,
        value: ({ full, fullExpected }) => full ?? fullExpected,
        show: milliseconds,
        source: ({ full }) => (full === null ? "computed" : "measured"),
        how: timed,
      },
      {
        key: "lsh",
        label: c.lsh(whole(rounds)),
        value: ({ lsh }) => lsh,
        show: milliseconds,
        source: "measured",
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
      ${choice<number>(
        t.rounds,
        this.#rounds,
        ROUNDS.map((n) => [n, `${t.rounds} ${n}`] as const),
        (rounds) => {
          this.#rounds = rounds;
          this.clear();
          void this.begin();
        },
      )}
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const { from, upTo } = this.#size;
    const ticks = Array.from({ length: 12 }, (_, i) => from * 2 ** i);
    const x = { label: t.length, log: true, show: short, ticks, include: [from, upTo] };
    const names = { lsh: t.lsh(whole(this.rows[0]?.rounds ?? this.#rounds)), full: t.full };
    if (this.#what === "memory") {
      const lengths = ticks.filter((length) => length <= upTo);
      const { adapter } = this.chapter;
      const limit = typeof adapter === "object" && adapter ? adapter.maxStorageBufferBindingSize : 2 ** 27;
      const line = (kind: "lsh" | "full") =>
        lengths.map((length) => [length, this.#scores(length)[kind]] as const);
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
        lines: [{ y: limit, label: t.limit(bytes(limit)), tone: "quiet" }],
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
