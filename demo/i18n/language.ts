import type { ReactiveController, ReactiveControllerHost } from "lit";
import { recall, remember } from "../remember.js";
import type { Dictionary } from "./dictionary.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

export const DICTIONARIES = { en, zh } as const satisfies Record<string, Dictionary>;
export type Language = keyof typeof DICTIONARIES;

/** BCP 47 tags for the `lang` attribute and for `Intl`. */
export const TAGS: Readonly<Record<Language, string>> = { en: "en", zh: "zh-Hans" };

const STORED = "language";
const listeners = new Set<() => void>();
let current: Language = preferred();

/** The address bar (`?lang=zh`), then the last choice, then the browser's first language that we speak. */
function preferred(): Language {
  const asked = [new URLSearchParams(location.search).get("lang"), recall(STORED)];
  for (const tag of [...asked, ...navigator.languages]) {
    const found = (Object.keys(DICTIONARIES) as Language[]).find((language) => tag?.startsWith(language));
    if (found) return found;
  }
  return "en";
}

export const language = (): Language => current;
export const phrases = (): Dictionary => DICTIONARIES[current];

/** Switches the whole page, and remembers the choice. */
export function setLanguage(next: Language): void {
  current = next;
  remember(STORED, next);
  applyLanguage();
  for (const listener of listeners) listener();
}

/** Tells the document which language it is in. */
export function applyLanguage(): void {
  document.documentElement.lang = TAGS[current];
  document.title = phrases().page.title;
}

/** Renders its host again when the language changes. */
export class LanguageController implements ReactiveController {
  readonly #update: () => void;
  constructor(host: ReactiveControllerHost) {
    this.#update = () => host.requestUpdate();
    host.addController(this);
  }
  hostConnected(): void {
    listeners.add(this.#update);
  }
  hostDisconnected(): void {
    listeners.delete(this.#update);
  }
}
