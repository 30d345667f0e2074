/** Looks that several elements share. */
import { css } from "lit";

export const base = css`
  :host {
    display: block;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h2,
  h3,
  p,
  dl,
  dd,
  ul,
  ol,
  figure,
  fieldset {
    margin: 0;
    padding: 0;
  }
  fieldset {
    border: 0;
    min-width: 0;
  }
  h2 {
    font-size: 1.0625rem;
    font-weight: 650;
    letter-spacing: -0.005em;
    line-height: 1.3;
  }
  h3 {
    font-size: 0.875rem;
    font-weight: 600;
  }
  .note {
    color: var(--muted);
    font-size: 0.8125rem;
    line-height: 1.45;
    text-wrap: pretty;
  }
  .number {
    font-variant-numeric: tabular-nums;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  /* On paper nothing can be pressed. */
  @media print {
    button,
    select,
    input[type="range"] {
      display: none !important;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      transition: none !important;
      animation: none !important;
      scroll-behavior: auto !important;
    }
  }
`;

export const controls = css`
  button,
  .button {
    font: inherit;
    font-size: 0.875rem;
    font-weight: 550;
    line-height: 1.2;
    min-height: 2.25rem;
    padding: 0.4375rem 0.875rem;
    border: 1px solid var(--edge);
    border-radius: var(--radius);
    background: transparent;
    color: var(--ink);
    cursor: pointer;
    transition: background-color 0.12s;
  }
  button:hover:not(:disabled),
  .button:hover {
    background: var(--wash);
  }
  button.primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
  }
  button.primary:hover:not(:disabled) {
    border-color: var(--accent-strong);
    background: var(--accent-strong);
  }
  button.quiet {
    border-color: transparent;
    padding-inline: 0.5rem;
    color: var(--accent);
  }
  button:disabled,
  .button[aria-disabled="true"] {
    border-color: var(--line);
    color: var(--muted);
    cursor: default;
  }
  button.quiet:disabled {
    border-color: transparent;
  }
  button.primary:disabled {
    background: var(--wash);
    color: var(--muted);
  }
  label,
  .label {
    font-size: 0.8125rem;
    font-weight: 550;
  }
  input[type="text"],
  input[type="number"],
  select,
  textarea {
    font: inherit;
    font-size: 0.9375rem;
    font-variant-numeric: tabular-nums;
    width: 100%;
    min-height: 2.25rem;
    padding: 0.3125rem 0.5rem;
    border: 1px solid var(--edge);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--ink);
  }
  textarea {
    resize: vertical;
    line-height: 1.5;
  }
  input:disabled,
  select:disabled {
    border-color: var(--line);
    background: var(--sunken);
    color: var(--muted);
    opacity: 1;
  }
  input[type="range"],
  input[type="radio"] {
    accent-color: var(--accent);
  }
  input[type="range"] {
    width: 100%;
    margin: 0.375rem 0;
  }
  .field {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.25rem;
    align-content: start;
    min-width: 0;
  }
  details > summary {
    cursor: pointer;
    font-size: 0.875rem;
    font-weight: 550;
    color: var(--accent);
    padding-block: 0.25rem;
  }
`;
