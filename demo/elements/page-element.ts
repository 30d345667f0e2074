import { LitElement } from "lit";
import type { Dictionary } from "../i18n/dictionary.js";
import { LanguageController, phrases } from "../i18n/language.js";
import type { Session } from "../session.js";
import type { SessionState } from "../session-state.js";

/** An element that speaks the page's language. */
export abstract class PageElement extends LitElement {
  constructor() {
    super();
    new LanguageController(this);
  }
  protected get t(): Dictionary {
    return phrases();
  }
}

/** An element that shows the session it is given. */
export abstract class SessionElement extends PageElement {
  declare session: Session;
  #stop: (() => void) | undefined;

  protected get state(): Readonly<SessionState> {
    return this.session.state;
  }
  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.session.watch(() => this.requestUpdate());
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }
}
