import { css, html, type SVGTemplateResult, svg } from "lit";
import { MARKS } from "../chapter/sources.js";
import { PageElement } from "../elements/page-element.js";
import { base, controls } from "../elements/styles.js";
import { figureStyles } from "../figures/plot.js";
import { randomNumbers } from "../figures/words.js";
import { whole } from "../format.js";

/** Words that stand near each other look alike; their angles are drawn once, group by group. */
const GROUPS = [
  ["whale", "whales", "whaling"],
  ["ship", "ships", "shipped"],
  ["sea", "seas", "seaman"],
  ["sail", "sailor", "sails"],
  ["captain", "captains"],
  ["white", "whiter"],
  ["water", "waters"],
  ["harpoon", "harpooneer"],
] as const;
const SIZE = 440;
const CENTRE = SIZE / 2;
/** Radius of the words, and of the outermost ring. */
const [WORDS, OUTER, INNER] = [168, 146, 40];
const TURN = 2 * Math.PI;
const SEED = 7;

interface Word {
  readonly text: string;
  readonly angle: number;
}

function placeWords(): Word[] {
  const next = randomNumbers(3);
  return GROUPS.flatMap((group, g) =>
    group.map((text, i) => ({ text, angle: (TURN * (g + 0.31 * i + 0.06 * next())) / GROUPS.length })),
  );
}

/** Hashing in the plane: a vector to drag, rings of buckets, and the words it meets. No GPU. */
export class HashWheel extends PageElement {
  static override styles = [
    base,
    controls,
    figureStyles,
    css`
      h2 {
        font: 600 1.25rem / 1.25 var(--serif);
      }
      .note {
        margin-top: 0.375rem;
      }
      svg.figure {
        width: 100%;
        height: auto;
        max-width: 30rem;
        margin-inline: auto;
        touch-action: pan-y;
        cursor: grab;
        border-radius: 50%;
        font-size: 13px;
      }
      svg.figure:active {
        cursor: grabbing;
      }
      .sector {
        fill: var(--sunken);
        stroke: var(--paper);
        stroke-width: 1.5;
      }
      .sector.mine {
        fill: color-mix(in oklch, var(--lsh) 32%, var(--paper));
      }
      .word circle {
        fill: var(--edge);
      }
      .word.met circle {
        fill: var(--lsh);
      }
      .figure .word text {
        fill: var(--muted);
      }
      .figure .word.met text {
        fill: var(--lsh);
        font-weight: 650;
      }
      .query line {
        stroke: var(--ink);
        stroke-width: 2.5;
      }
      .query circle {
        fill: var(--ink);
        stroke: var(--paper);
        stroke-width: 2;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.25rem;
        align-items: end;
        margin-top: 0.5rem;
      }
      .controls label {
        display: grid;
        flex: 1 1 8rem;
        font-variant-numeric: tabular-nums;
      }
      button {
        min-height: 1.875rem;
        padding-block: 0.25rem;
        font-size: 0.8125rem;
      }
      output {
        font-size: 0.875rem;
        font-weight: 600;
        color: var(--lsh);
      }
    `,
  ];

  readonly #words = placeWords();
  #angle = (this.#words[1]?.angle ?? 0) + 0.06;
  #rounds = 4;
  #buckets = 8;
  #turns = this.#draw(SEED);
  #seed = SEED;

  #draw(seed: number): number[] {
    const next = randomNumbers(seed);
    return Array.from({ length: 8 }, () => next() * TURN);
  }

  #bucketOf(angle: number, round: number): number {
    const turned = (((angle + (this.#turns[round] ?? 0)) % TURN) + TURN) % TURN;
    return Math.floor((turned / TURN) * this.#buckets) % this.#buckets;
  }

  #meets(angle: number): boolean {
    for (let round = 0; round < this.#rounds; round++)
      if (this.#bucketOf(angle, round) === this.#bucketOf(this.#angle, round)) return true;
    return false;
  }

  override render() {
    const t = this.t.hero.wheel;
    const met = this.#words.filter(({ angle }) => this.#meets(angle));
    const degrees = whole((((this.#angle % TURN) + TURN) % TURN) * (360 / TURN));
    const names = met.length > 0 ? met.map(({ text }) => text).join(", ") : t.nobody;
    const [x, y] = at(this.#angle, OUTER + 4);
    return html`
      <h2>${t.title}</h2>
      <svg
        class="figure"
        viewBox="0 22 ${SIZE} ${SIZE - 44}"
        role="slider"
        tabindex="0"
        aria-label=${t.label}
        aria-valuemin="0"
        aria-valuemax="360"
        aria-valuenow=${degrees}
        aria-valuetext=${t.value(degrees, whole(this.#bucketOf(this.#angle, 0) + 1), names)}
        @pointerdown=${this.#grab}
        @pointermove=${this.#drag}
        @keydown=${this.#key}
      >
        ${Array.from({ length: this.#rounds }, (_, round) => this.#ring(round))}
        ${this.#words.map(({ text, angle }) => {
          const [px, py] = at(angle, WORDS - 10);
          const [tx, ty] = at(angle, WORDS + 2);
          const anchor = Math.cos(angle) > 0.25 ? "start" : Math.cos(angle) < -0.25 ? "end" : "middle";
          return svg`<g class="word ${this.#meets(angle) ? "met" : ""}">
            <circle cx=${px} cy=${py} r="3.5"></circle>
            <text x=${tx} y=${ty + 4} text-anchor=${anchor}>${text}</text>
          </g>`;
        })}
        <g class="query">
          <line x1=${CENTRE} y1=${CENTRE} x2=${x} y2=${y}></line>
          <circle cx=${x} cy=${y} r="8"></circle>
        </g>
      </svg>
      <div class="controls">
        <label
          >${this.t.chapter.named(t.rounds, whole(this.#rounds))}<input
            type="range"
            min="1"
            max="8"
            .value=${String(this.#rounds)}
            @input=${(event: Event) => this.#set(() => (this.#rounds = numberOf(event)))}
        /></label>
        <label
          >${this.t.chapter.named(t.buckets, whole(this.#buckets))}<input
            type="range"
            min="2"
            max="16"
            step="2"
            .value=${String(this.#buckets)}
            @input=${(event: Event) => this.#set(() => (this.#buckets = numberOf(event)))}
        /></label>
        <button @click=${() => this.#set(() => (this.#turns = this.#draw(++this.#seed)))}>${t.redraw}</button>
        <output>${t.meets(whole(met.length), whole(this.#words.length))}</output>
      </div>
      <p class="note">${t.note} ${MARKS.computed} ${this.t.chapter.computedNote}</p>
    `;
  }

  #ring(round: number): SVGTemplateResult {
    const thick = (OUTER - INNER) / this.#rounds;
    const [inner, outer] = [INNER + round * thick, INNER + (round + 1) * thick];
    const mine = this.#bucketOf(this.#angle, round);
    return svg`<g>${Array.from({ length: this.#buckets }, (_, bucket) => {
      const from = (TURN * bucket) / this.#buckets - (this.#turns[round] ?? 0);
      const to = from + TURN / this.#buckets;
      return svg`<path class="sector ${bucket === mine ? "mine" : ""}" d=${sector(from, to, inner, outer)}></path>`;
    })}</g>`;
  }

  #set(change: () => void): void {
    change();
    this.requestUpdate();
  }

  readonly #grab = (event: PointerEvent) => {
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    this.#point(event);
  };
  readonly #drag = (event: PointerEvent) => {
    if (event.buttons > 0) this.#point(event);
  };
  #point(event: PointerEvent): void {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    this.#set(() => {
      this.#angle = Math.atan2(
        event.clientY - box.top - box.height / 2,
        event.clientX - box.left - box.width / 2,
      );
    });
  }
  readonly #key = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[
      event.key
    ];
    if (step === undefined) return;
    event.preventDefault();
    this.#set(() => (this.#angle += (step * 3 * TURN) / 360));
  };
}

const numberOf = (event: Event): number => (event.target as HTMLInputElement).valueAsNumber;
const at = (angle: number, radius: number): [number, number] => [
  CENTRE + radius * Math.cos(angle),
  CENTRE + radius * Math.sin(angle),
];

function sector(from: number, to: number, inner: number, outer: number): string {
  const [a, b, c, d] = [at(from, outer), at(to, outer), at(to, inner), at(from, inner)].map((p) =>
    p.map((v) => v.toFixed(1)).join(" "),
  );
  const large = to - from > Math.PI - 1e-9 ? 1 : 0;
  return `M${a}A${outer} ${outer} 0 ${large} 1 ${b}L${c}A${inner} ${inner} 0 ${large} 0 ${d}Z`;
}
