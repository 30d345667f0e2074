import { html } from "lit";
import type { Source } from "../chapter/sources.js";
import { barPlot } from "../figures/plot.js";
import { bytes, decimals, milliseconds, percent, rate, short, whole } from "../format.js";
import { en, zh } from "./09-verdict.text.js";
import { slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Claim = keyof (typeof en)["claims"];
interface Row {
  readonly claim: Claim;
}
interface Found {
  readonly evidence: string;
  /** What the evidence says: a value, where it was found, and perhaps another pair. */
  readonly values: readonly number[];
  readonly holds: boolean;
}

const CLAIMS = Object.keys(en.claims) as Claim[];
/** Names of what a claim's evidence says, where it is saved. */
const VALUES = ["value", "at", "second value", "second at"];
/** Of the times at the length chosen. */
const ROUNDS = 2;
/** The station that each claim's evidence comes from. */
const STATION: Readonly<Record<Claim, number>> = {
  chosen: 9,
  long: 4,
  short: 4,
  depth: 5,
  exact: 5,
  rounds: 2,
  missed: 2,
};
const SIZES = {
  slow: { heads: 1, headSize: 32, chunkLength: 32, budget: 1500, from: 7, upTo: 12, first: 9 },
  fast: { heads: 4, headSize: 64, chunkLength: 64, budget: 1500, from: 8, upTo: 17, first: 13 },
} as const;

/** When to use it: claims against the reader's own evidence. */
class VerdictStation extends Station<Row> {
  readonly number = 9;
  #power = 0;
  #chosen: { length: number; full: number; lsh: number; expected: boolean } | null = null;

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }
  get #length(): number {
    return 2 ** (this.#power || this.#size.first);
  }

  protected override compute(): void {
    this.rows = CLAIMS.map((claim) => ({ claim }));
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { heads, headSize, chunkLength, budget } = this.#size;
    const length = this.#length;
    // Half the length first: where the whole takes too long, it says what to expect.
    const cases = [ROUNDS, 0].flatMap((rounds) => [length / 2, length].map((n) => ({ length: n, rounds })));
    const times = new Map<number, { value: number; expected: boolean }>();
    const sizes = { heads, headSize, chunkLength, budget };
    for await (const told of this.run("attention", { ...sizes, cases }, signal)) {
      const value = told.milliseconds ?? told.expected;
      if (told.length === length && value !== null)
        times.set(told.rounds, { value, expected: told.milliseconds === null });
    }
    const [full, lsh] = [times.get(0), times.get(ROUNDS)];
    if (full && lsh) this.#chosen = { length, full: full.value, lsh: lsh.value, expected: full.expected };
    this.requestUpdate();
  }

  #found(claim: Claim): Found | null {
    const { evidence: e } = this.#t;
    const { scaling, depth, inversion, recall } = this.chapter.findings.state;
    const ratios = scaling.flatMap(({ length, rounds, full, lsh }) =>
      full === null ? [] : [{ length, rounds: whole(rounds), times: full / lsh }],
    );
    const [first, last] = [ratios[0], ratios.at(-1)];
    const times = rate; // 0.998 is below 1, and says so
    const [few, many] = [recall[0], recall.at(-1)];
    switch (claim) {
      case "chosen": {
        const chosen = this.#chosen;
        if (!chosen) return null;
        return {
          evidence: e.times(whole(chosen.length), times(chosen.full / chosen.lsh), whole(ROUNDS)),
          values: [chosen.full / chosen.lsh, chosen.length],
          holds: chosen.full > chosen.lsh,
        };
      }
      case "long":
        if (!first || !last || ratios.length < 2) return null;
        return {
          evidence: e.twice(
            times(first.times),
            whole(first.length),
            times(last.times),
            whole(last.length),
            last.rounds,
          ),
          values: [first.times, first.length, last.times, last.length],
          holds: last.times > first.times,
        };
      case "short":
        if (!first) return null;
        return {
          evidence: e.times(whole(first.length), times(first.times), first.rounds),
          values: [first.times, first.length],
          holds: first.times < 1,
        };
      case "depth": {
        const [shallow, deep] = [depth[0], depth.at(-1)];
        if (!shallow || !deep || depth.length < 2) return null;
        return {
          evidence: e.depth(
            whole(shallow.depth),
            whole(deep.depth),
            bytes(shallow.reversible),
            bytes(deep.reversible),
          ),
          values: [shallow.reversible, shallow.depth, deep.reversible, deep.depth],
          holds: deep.reversible <= 1.05 * shallow.reversible,
        };
      }
      case "exact":
        if (!inversion) return null;
        return {
          evidence: e.exact(String(inversion.difference), whole(inversion.steps)),
          values: [inversion.difference, inversion.steps],
          holds: inversion.difference === 0,
        };
      case "rounds":
        if (!few || !many) return null;
        return {
          evidence: e.rounds(percent(few.share), whole(few.rounds), percent(many.share), whole(many.rounds)),
          values: [few.share, few.rounds, many.share, many.rounds],
          holds: many.share > few.share,
        };
      case "missed":
        if (!few) return null;
        return {
          evidence: e.one(percent(few.share), whole(few.rounds)),
          values: [few.share, few.rounds],
          holds: few.share < 1,
        };
      default:
        return claim satisfies never;
    }
  }

  protected words() {
    const { sentences, tryThis } = this.#t;
    return { sentences, tryThis, caption: this.#verdict() };
  }
  protected override figureSources() {
    if (!this.#chosen) return [];
    return this.#chosen.expected ? (["measured", "computed"] as const) : (["measured"] as const);
  }

  #verdict(): string {
    const { verdicts } = this.#t;
    const chosen = this.#chosen;
    if (!chosen) return this.gpu ? verdicts.none : verdicts.noGpu;
    const faster = chosen.lsh < chosen.full ? "lsh" : "full";
    const times = faster === "lsh" ? chosen.full / chosen.lsh : chosen.lsh / chosen.full;
    return verdicts[faster](whole(chosen.length), decimals(times, 1));
  }

  #sourceOf(claim: Claim): Source | undefined {
    const found = this.#found(claim);
    if (!found) return undefined;
    const guessed = claim === "chosen" && this.#chosen?.expected;
    return guessed || claim === "depth" || claim === "rounds" || claim === "missed" ? "computed" : "measured";
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, claims, evidence, yes, no, how } = this.#t;
    return [
      { key: "claim", label: c.claim, value: ({ claim }) => claims[claim] },
      {
        key: "evidence",
        label: c.evidence,
        value: ({ claim }) => this.#found(claim)?.evidence ?? evidence.missing,
        source: ({ claim }) => this.#sourceOf(claim),
        how: `${how.evidence} ${how.times}`,
        only: "shown",
      },
      ...VALUES.map(
        (key, i): Column<Row> => ({
          key,
          label: c.values[i] ?? key,
          value: ({ claim }) => this.#found(claim)?.values[i],
          source: ({ claim }) => this.#sourceOf(claim),
          only: "exported",
        }),
      ),
      {
        key: "holds",
        label: c.holds,
        value: ({ claim }) => {
          const found = this.#found(claim);
          return found ? (found.holds ? yes : no) : null;
        },
      },
      { key: "station", label: c.station, value: ({ claim }) => STATION[claim], show: whole },
    ];
  }

  protected override controls() {
    const { from, upTo, first } = this.#size;
    return html`<div class="controls">
      ${slider(
        this.#t.length,
        this.#power || first,
        { min: from, max: upTo, show: (v) => short(2 ** v) },
        (power) => {
          this.#power = power;
          this.#chosen = null;
          this.requestUpdate();
        },
      )}
    </div>`;
  }

  protected figure() {
    const { bars, expected } = this.#t;
    const chosen = this.#chosen;
    const note = (value: number, guessed: boolean) =>
      guessed ? expected(milliseconds(value)) : milliseconds(value);
    return barPlot({
      width: this.width,
      title: this.#verdict(),
      bars: [
        {
          label: bars.full,
          note: chosen ? note(chosen.full, chosen.expected) : "–",
          parts: [{ tone: "full", value: chosen?.full ?? 0 }],
        },
        {
          label: bars.lsh(whole(ROUNDS)),
          note: chosen ? note(chosen.lsh, false) : "–",
          parts: [{ tone: "lsh", value: chosen?.lsh ?? 0 }],
        },
      ],
    });
  }
}
customElements.define("reformer-station-verdict", VerdictStation);
