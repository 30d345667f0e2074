/** Inputs that stations share. */
import { html, type TemplateResult } from "lit";

/** A slider with its name and value above it. */
export function slider(
  label: string,
  value: number,
  { min, max, step = 1, show }: { min: number; max: number; step?: number; show: (value: number) => string },
  set: (value: number) => void,
): TemplateResult {
  return html`<div class="field">
    <label class="named"
      ><span>${label}</span><span>${show(value)}</span
      ><input
        type="range"
        min=${min}
        max=${max}
        step=${step}
        .value=${String(value)}
        aria-valuetext=${show(value)}
        @input=${(event: Event) => set((event.target as HTMLInputElement).valueAsNumber)}
    /></label>
  </div>`;
}

/** One of a few, as buttons. */
export function choice<T extends string | number>(
  label: string,
  value: T,
  options: readonly (readonly [value: T, name: string])[],
  set: (value: T) => void,
): TemplateResult {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${options.map(
      ([option, name]) =>
        html`<button class="small" aria-pressed=${option === value ? "true" : "false"} @click=${() => set(option)}>
          ${name}
        </button>`,
    )}
  </div>`;
}

/** Switches, each on or off. */
export function switches(
  options: readonly (readonly [on: boolean, name: string, set: (on: boolean) => void])[],
): TemplateResult {
  return html`<div class="choice">
    ${options.map(
      ([on, name, set]) =>
        html`<label
          ><input type="checkbox" .checked=${on} @change=${(event: Event) => set((event.target as HTMLInputElement).checked)} />${name}</label
        >`,
    )}
  </div>`;
}
