import { css, html, nothing } from "lit";
import type { Chapter } from "../chapter/chapter.js";
import { STATIONS } from "../stations/registry.js";
import { holdAtTop } from "./hold.js";
import { PageElement } from "./page-element.js";
import { base } from "./styles.js";

/** How far below the screen a station is loaded, in CSS pixels. */
const AHEAD = 500;
/** Milliseconds after which the others are loaded, one by one while the page is idle, so that it prints whole. */
const OTHERS_AFTER = 5000;

const idle = () =>
  new Promise<void>((resolve) => {
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve());
    else setTimeout(resolve, 200);
  });

interface StationElement extends HTMLElement {
  chapter: Chapter;
  adapterFound(): void;
}

/** Table of contents, then the stations, each loaded when it comes near the screen. */
export class ChapterStations extends PageElement {
  static override styles = [
    base,
    css`
      nav {
        padding-block: 2rem;
      }
      h2 {
        font: 600 1.25rem / 1.25 var(--serif);
      }
      nav ol {
        margin-top: 0.75rem;
        padding: 0;
        list-style: none;
        columns: 15rem auto;
        column-gap: 2.5rem;
      }
      nav li {
        display: flex;
        gap: 0.625rem;
        padding-block: 0.125rem;
        break-inside: avoid;
      }
      nav li > span {
        flex: none;
        width: 1.5ch;
        text-align: end;
        color: var(--muted);
        font-variant-numeric: tabular-nums lining-nums;
      }
      a {
        color: var(--ink);
        text-decoration-color: var(--edge);
        text-underline-offset: 0.2em;
      }
      a:hover {
        color: var(--accent);
      }
      .slot {
        min-height: 30rem;
        scroll-margin-top: 1rem;
      }
      .slot.loaded {
        min-height: 0;
        /* What is far from the screen is not painted: else every number that changes paints the whole chapter. */
        content-visibility: auto;
        contain-intrinsic-size: auto 60rem;
      }
      @media print {
        .slot.loaded {
          content-visibility: visible;
        }
      }
      .slot:focus {
        outline: none; /* it is a place to go on from, not a control */
      }
      .slot > p {
        padding-block: 3rem;
        border-top: 1px solid var(--line);
      }
    `,
  ];

  declare chapter: Chapter;
  readonly #failed = new Set<number>();
  readonly #loading = new Set<number>();
  readonly #stations = new Map<number, StationElement>();
  readonly #near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries)
        if (isIntersecting) void this.#load(Number((target as HTMLElement).dataset.number));
    },
    { rootMargin: `${AHEAD}px` },
  );
  #others: ReturnType<typeof setTimeout> | undefined;
  /** Ends the keeping of a station at the top. */
  #held: AbortController | undefined;
  /** Back and forward lead where the contents have led. */
  readonly #onTravel = () => this.#followAddress();

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#onTravel);
    this.#others = setTimeout(() => void this.#loadOthers(), OTHERS_AFTER);
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#onTravel);
    clearTimeout(this.#others);
    this.#held?.abort();
    this.#near.disconnect();
  }
  override firstUpdated(): void {
    for (const slot of this.renderRoot.querySelectorAll(".slot")) this.#near.observe(slot);
    this.#followAddress();
  }

  #followAddress(): void {
    const [, number] = /^#station-(\d+)$/.exec(location.hash) ?? [];
    if (number) this.show(Number(number));
  }

  /** The page found out about the GPU. */
  adapterFound(): void {
    for (const station of this.#stations.values()) station.adapterFound();
  }

  /** Brings a station to the top of the screen, and the keyboard to it. */
  show(number: number): void {
    const slot = this.renderRoot.querySelector<HTMLElement>(`#station-${number}`);
    if (!slot) return;
    this.#held?.abort();
    this.#held = new AbortController();
    holdAtTop(slot, this.#held.signal);
  }

  /** They show what needs no measuring; that begins when they are seen. */
  async #loadOthers(): Promise<void> {
    for (const number of STATIONS.keys()) {
      await idle();
      if (!this.isConnected) return;
      await this.#load(number + 1);
    }
  }

  async #load(number: number): Promise<void> {
    const entry = STATIONS[number - 1];
    if (!entry || this.#loading.has(number)) return;
    this.#loading.add(number);
    this.#failed.delete(number);
    try {
      await entry.load();
      const station = document.createElement(entry.tag) as StationElement;
      station.chapter = this.chapter;
      this.#stations.set(number, station);
    } catch {
      this.#loading.delete(number);
      this.#failed.add(number);
    }
    this.requestUpdate();
  }

  override render() {
    const t = this.t.chapter;
    const written = STATIONS.map((_, i) => i + 1);
    return html`
      <nav aria-labelledby="contents">
        <h2 id="contents">${t.contents}</h2>
        <ol>
          ${written.map(
            (number) => html`<li>
              <span>${number}</span
              ><a href="#station-${number}" @click=${(event: MouseEvent) => this.#go(event, number)}
                >${t.titles[number - 1]}</a
              >
            </li>`,
          )}
        </ol>
      </nav>
      ${written.map(
        (number) =>
          html`<div class="slot ${this.#stations.has(number) ? "loaded" : ""}" id="station-${number}" data-number=${number} tabindex="-1" role="group" aria-label=${t.station(String(number), t.titles[number - 1] ?? "")}>
            ${this.#stations.get(number) ?? (this.#failed.has(number) ? html`<p class="note">${t.failed}</p>` : nothing)}
          </div>`,
      )}
    `;
  }

  #go(event: MouseEvent, number: number): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab or window
    event.preventDefault();
    history.pushState(null, "", `#station-${number}`);
    history.scrollRestoration = "manual"; // coming back to this entry, `show` finds the station wherever it then is
    this.show(number);
  }
}
