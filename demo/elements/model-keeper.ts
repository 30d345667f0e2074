import { css, html, nothing } from "lit";
import { type ShippedModel, shippedModel } from "../chapter/writer.js";
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
        grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
      }
      .row {
        display: grid;
        gap: 0.375rem;
        justify-items: start;
        align-content: start;
      }
      .row .field {
        justify-self: stretch;
      }
    `,
  ];

  #working: "saving" | "opening" | null = null;
  #shipped: ShippedModel | null = null;

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
        <form class="row" @submit=${this.#fetch}>
          <div class="field">
            <label for="address">${t.address}</label>
            <input id="address" type="text" required spellcheck="false" placeholder="google/reformer-crime-and-punishment" />
          </div>
          <button ?disabled=${!idle || this.session.locked}>${t.fetch}</button>
          <p class="note">${t.addressNote}</p>
        </form>
        ${this.#shippedRow(!idle || this.session.locked)}
      </div>
    `;
  }

  #shippedRow(disabled: boolean) {
    const t = this.t.files;
    if (!this.#shipped) return nothing;
    const { url, recipe } = this.#shipped;
    const { title } = this.session.book;
    return html`<div class="row">
      <button ?disabled=${disabled} @click=${() => void this.#open(url, title)}>${t.shipped}</button>
      <p class="note">${t.shippedNote(title, recipe.adapter, recipe.date)}</p>
    </div>`;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void shippedModel("writer").then((found) => {
      this.#shipped = found;
      this.requestUpdate();
    });
  }

  readonly #fetch = (event: Event) => {
    event.preventDefault();
    const address = this.renderRoot.querySelector<HTMLInputElement>("#address")?.value.trim();
    if (address) void this.#open(address);
  };

  async #open(address: string, name?: string): Promise<void> {
    await this.#during("opening", () => this.session.openAddress(address, name));
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
