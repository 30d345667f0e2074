/** Light or dark: the visitor's choice, else the system's. */
import { recall, remember } from "./remember.js";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const changed = new EventTarget();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  changed.dispatchEvent(new Event("change")),
);

export const theme = (): Theme => THEMES.find((name) => name === recall("theme")) ?? "auto";

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  changed.dispatchEvent(new Event("change"));
}

export function setTheme(next: Theme): void {
  remember("theme", next === "auto" ? null : next);
  applyTheme();
}

/** For what is painted rather than styled. */
export function watchTheme(watcher: () => void): () => void {
  changed.addEventListener("change", watcher);
  return () => changed.removeEventListener("change", watcher);
}
