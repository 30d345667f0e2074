import { LitElement } from "lit";
import { breathe } from "../breathe.js";
import type { Dictionary } from "../i18n/dictionary.js";
import {
  DICTIONARIES,
  type Language,
  LanguageController,
  language,
  languageOf,
  speaking,
} from "../i18n/language.js";
import type { Session } from "../session.js";
import type { SessionState } from "../session-state.js";

/** An element that speaks the page's language, or that of its own attribute `lang`. */
export abstract class PageElement extends LitElement {
  static override get observedAttributes(): string[] {
    // biome-ignore lint/complexity/noThisInStatic: the parent's getter reads the class it is asked of
    return [...super.observedAttributes, "lang"];
  }

  constructor() {
    super();
    new LanguageController(this);
  }
  get language(): Language {
    return languageOf(this.getAttribute("lang")) ?? language();
  }
  protected get t(): Dictionary {
    return DICTIONARIES[this.language];
  }
  override attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    super.attributeChangedCallback(name, old, value);
    if (name === "lang") this.requestUpdate();
  }
  /** Each in a task of its own: one that updated them all would keep a click waiting. What is new is there at once. */
  protected override async scheduleUpdate(): Promise<void> {
    if (this.hasUpdated) await breathe();
    await super.scheduleUpdate();
  }
  /** What formats numbers asks for the page's language. */
  protected override performUpdate(): void {
    speaking(this.language, () => super.performUpdate());
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
  /** There are a dozen of them, which come all at once. */
  protected override async scheduleUpdate(): Promise<void> {
    if (!this.hasUpdated) await breathe();
    await super.scheduleUpdate();
  }
}
