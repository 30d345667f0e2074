import { css, html, nothing } from "lit";
import { duration, whole } from "../format.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Train, pause, resume, stop; what is going on, and how far it is. */
export class RunBar extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
      button:first-child {
        min-width: 7.5rem;
      }
      .status {
        flex: 1 1 12rem;
        display: flex;
        flex-wrap: wrap;
        gap: 0 0.75rem;
        align-items: baseline;
        font-size: 0.875rem;
      }
      .phase {
        font-weight: 600;
      }
      .detail {
        color: var(--muted);
      }
      progress {
        display: block;
        width: 100%;
        height: 3px;
        margin-top: 0.625rem;
        border: 0;
        border-radius: 2px;
        overflow: hidden;
        background: var(--line);
        appearance: none;
      }
      progress::-webkit-progress-bar {
        background: var(--line);
      }
      progress::-webkit-progress-value {
        background: var(--accent);
      }
      progress::-moz-progress-bar {
        background: var(--accent);
      }
      @media (pointer: coarse), (max-width: 40rem) {
        .keys {
          display: none;
        }
      }
    `,
  ];

  readonly #onKey = (event: KeyboardEvent) => {
    const focused = event.composedPath()[0];
    const free = focused === document.body || focused === document.documentElement;
    if (event.key !== " " || event.repeat || !free || !(this.#onScreen || this.session.busy)) return;
    event.preventDefault();
    void this.#toggle();
  };

  /** Space belongs to what the reader sees. */
  #onScreen = false;
  readonly #watched = new IntersectionObserver((entries) => {
    this.#onScreen = entries.at(-1)?.isIntersecting ?? false;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#watched.observe(this);
    document.addEventListener("keydown", this.#onKey, { capture: true }); // before the model at the top
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watched.disconnect();
    document.removeEventListener("keydown", this.#onKey, { capture: true });
  }

  #toggle(): Promise<void> {
    const { phase, savedRun } = this.state;
    if (phase === "training") return this.session.pause();
    if (phase === "paused" || savedRun) return this.session.resume();
    return phase === "idle" ? this.session.train() : Promise.resolve();
  }

  override render() {
    const { phase, preparing, last } = this.state;
    const t = this.t.run;
    const share = phase === "preparing" ? preparing?.share : last ? last.step / last.steps : 0;
    return html`
      <div class="bar">
        <div class="actions">${this.#actions()}</div>
        <div class="status">
          <span class="phase" role="status">${t.phases[phase]}</span>
          <span class="detail number">${this.#detail()}</span>
        </div>
        <span class="note keys">${t.shortcut}</span>
      </div>
      <progress
        aria-label=${phase === "preparing" && preparing ? t.preparing[preparing.phase] : t.progress}
        max="1"
        .value=${share ?? 0}
      ></progress>
    `;
  }

  /** The first button stays the same element through all phases, so that it keeps the focus. */
  #actions() {
    const t = this.t.run;
    const { session } = this;
    const { phase, settings, last, model, savedRun } = this.state;
    const button = (label: string, act: () => Promise<void>, kind = "") =>
      html`<button
        class=${kind}
        @click=${(event: MouseEvent) => {
          if (event.detail <= 1) void act(); // the second click of a double click meant the button before
        }}
      >
        ${label}
      </button>`;
    const stop = button(t.stop, () => session.stop());
    switch (phase) {
      case "idle":
        return [button(t.train, () => session.train(), savedRun ? "" : "primary")];
      case "preparing":
        return [button(t.cancel, () => session.stop())];
      case "training":
      case "pausing":
        return [button(t.pause, () => session.pause(), "primary"), stop];
      case "paused":
        return [button(t.resume, () => session.resume(), "primary"), stop];
      case "done":
      case "stopped":
        return [
          button(t.again, () => session.train(), "primary"),
          model && last ? button(t.goOn(whole(settings.steps)), () => session.goOn()) : nothing,
        ];
      default:
        return phase satisfies never;
    }
  }

  #detail() {
    const t = this.t.run;
    const { phase, preparing, last, savedStep, savedRun } = this.state;
    if (phase === "preparing") {
      if (!preparing) return nothing;
      const percent = preparing.phase === "compile" ? ` ${whole(preparing.share * 100)} %` : "";
      return t.preparing[preparing.phase] + percent;
    }
    if (phase === "idle" && savedRun) return t.replaces;
    if (!last) return nothing;
    const parts = [`${t.step} ${whole(last.step)} / ${whole(last.steps)}`];
    if (phase === "training") parts.push(`${t.left} ${duration(last.secondsLeft)}`);
    if (savedStep !== null) parts.push(t.saved(whole(savedStep)));
    return parts.join(" · ");
  }
}
