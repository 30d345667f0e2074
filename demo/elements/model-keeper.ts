import { css, html } from "lit";
import { download, packModel } from "../model-file.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

/** Saves the model as a file, and opens one. */
export class ModelKeeper extends SessionElement {
  static override styles = [
    base,
    controls,
    css`
      h2 {
        margin-bottom: 0.75rem;
      }
      .rows {
        display: grid;
        gap: 0.75rem 1.5rem;
        grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr));
      }
      .row {
        display: grid;
        gap: 0.375rem;
        justify-items: start;
        align-content: start;
      }
    `,
  ];

  #working: "saving" | "opening" | null = null;

  override render() {
    const t = this.t.files;
    const { model, phase } = this.state;
    const idle = this.#working === null && phase !== "preparing" && phase !== "pausing";
    return html`
      <h2>${t.title}</h2>
      <div class="rows">
        <div class="row">
          <button ?disabled=${!model || !idle} @click=${() => void this.#save()}>
            ${this.#working === "saving" ? t.saving : t.save}
          </button>
          <p class="note">${t.saveNote}</p>
        </div>
        <div class="row">
          <button
            ?disabled=${!idle || this.session.locked}
            @click=${() => this.renderRoot.querySelector<HTMLInputElement>("#file")?.click()}
          >
            ${this.#working === "opening" ? t.opening : t.open}
          </button>
          <input id="file" type="file" hidden multiple accept=".tar,.safetensors,.json" @change=${this.#chosen} />
          <p class="note">${t.openNote}</p>
        </div>
      </div>
    `;
  }

  async #save(): Promise<void> {
    await this.#during("saving", async () => {
      const files = await this.session.files();
      if (!files) return;
      const step = this.session.state.model?.step ?? 0;
      const text = this.session.textName.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}]+/gu, "-");
      download(packModel(files), `reformer-${text.toLowerCase()}-step-${step}.tar`);
    });
  }

  readonly #chosen = (event: Event) => {
    const input = event.target as HTMLInputElement;
    const chosen = [...(input.files ?? [])];
    input.value = "";
    void this.#during("opening", () => this.session.openFiles(chosen));
  };

  async #during(what: "saving" | "opening", work: () => Promise<void>): Promise<void> {
    this.#working = what;
    this.requestUpdate();
    try {
      await work();
    } catch (error) {
      this.session.fail(error);
    } finally {
      this.#working = null;
      this.requestUpdate();
    }
  }
}
