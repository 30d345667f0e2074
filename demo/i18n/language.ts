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
/** Of the address. */
const PARAMETER = "lang";
const listeners = new Set<() => void>();
let current: Language = preferred();

/** Ours of a BCP 47 tag, if we speak it. */
export function languageOf(tag: string | null): Language | undefined {
  return (Object.keys(DICTIONARIES) as Language[]).find((language) => tag?.startsWith(language));
}

/**
 * The address bar (`?lang=zh`), then the last choice, then the browser's first language that we speak. A choice is written
 * into the address too, so that the two agree wherever the reader has chosen.
 */
function preferred(): Language {
  const asked = [new URLSearchParams(location.search).get(PARAMETER), recall(STORED)];
  for (const tag of [...asked, ...navigator.languages]) {
    const found = languageOf(tag);
    if (found) return found;
  }
  return "en";
}

export const language = (): Language => current;
export const phrases = (): Dictionary => DICTIONARIES[current];

/** The query `search`, with the page's language. */
export function withLanguage(search: string): string {
  const query = new URLSearchParams(search);
  query.set(PARAMETER, current);
  return `?${query}`;
}

/** Switches the whole page, remembers the choice, and writes it into the address, which people reload and share. */
export function setLanguage(next: Language): void {
  current = next;
  remember(STORED, next);
  history.replaceState(history.state, "", `${withLanguage(location.search)}${location.hash}`);
  applyLanguage();
  for (const listener of listeners) listener();
}

/** Speaks a host page's language, now and when the page changes it; one that we do not speak changes nothing. */
export function followDocument(): void {
  const { documentElement } = document;
  const follow = () => {
    current = languageOf(documentElement.lang) ?? current;
    for (const listener of listeners) listener();
  };
  follow();
  new MutationObserver(follow).observe(documentElement, { attributeFilter: ["lang"] });
}

/** Runs what needs no waiting in a language of its own. */
export function speaking<T>(other: Language, work: () => T): T {
  const before = current;
  current = other;
  try {
    return work();
  } finally {
    current = before;
  }
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
