/** The look of a station. */
import { css } from "lit";

export const stationStyles = css`
  :host {
    container-type: inline-size;
    color: var(--ink);
    font-family: var(--sans);
    line-height: 1.5;
  }
  :host(:lang(zh)) {
    line-height: 1.65;
  }
  section {
    padding-block: clamp(2rem, 5vw, 3.5rem) 1rem;
    border-top: 1px solid var(--line);
  }
  h2 {
    display: flex;
    align-items: baseline;
    gap: 0.75rem;
    font: 600 clamp(1.375rem, 1.1rem + 1vw, 1.875rem) / 1.2 var(--serif);
    letter-spacing: -0.01em;
  }
  .ordinal {
    flex: none;
    min-width: 1.6ch;
    color: var(--accent);
    font-variant-numeric: lining-nums;
  }
  .body {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1.5rem clamp(1.5rem, 4vw, 4rem);
    margin-top: 1rem;
  }
  @container (min-width: 58rem) {
    .body {
      grid-template-columns: minmax(16rem, 22rem) minmax(0, 1fr);
    }
  }
  .words {
    max-width: 38rem;
    text-wrap: pretty;
  }
  .words p + p {
    margin-top: 0.625rem;
  }
  .terms {
    margin-top: 0.625rem;
    font-size: 0.875rem;
  }
  .terms dt {
    margin-top: 0.375rem;
    font-weight: 600;
  }
  .terms dd {
    margin: 0;
    color: var(--muted);
  }
  .words .try {
    margin-top: 1rem;
    padding-inline-start: 0.875rem;
    border-inline-start: 2px solid var(--accent);
    font-size: 0.9375rem;
  }
  .try b {
    display: block;
    font-size: 0.8125rem;
    font-weight: 600;
    color: var(--accent);
  }
  .show {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.875rem;
    align-content: start;
  }
  figure {
    min-width: 0;
    background-color: var(--paper); /* of a saved figure, too */
  }
  figcaption {
    margin-top: 0.5rem;
    max-width: 42rem;
    color: var(--muted);
    font-size: 0.8125rem;
    line-height: 1.45;
    text-wrap: pretty;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: 0.5rem 1.25rem;
  }
  .controls .field {
    flex: 0 1 11rem;
  }
  .controls .wide {
    flex: 1 1 100%;
  }
  .controls .named {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 0.5rem;
    font-size: 0.8125rem;
    font-variant-numeric: tabular-nums;
  }
  .controls .named input {
    flex: 0 0 100%;
  }
  .choice {
    display: inline-flex;
    flex-wrap: wrap;
    gap: 0.25rem 0.375rem;
    align-items: center;
    font-size: 0.875rem;
  }
  .choice label {
    margin-inline-end: 0.75rem;
    display: inline-flex;
    gap: 0.375rem;
    align-items: center;
    font-weight: 400;
    font-size: 0.875rem;
  }
  button.small {
    min-height: 1.875rem;
    padding: 0.25rem 0.625rem;
    font-size: 0.8125rem;
  }
  button[aria-pressed="true"] {
    border-color: var(--accent);
    background: var(--wash);
    color: var(--accent-strong);
  }
  .progress {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem 0.875rem;
    min-height: 2.25rem;
    margin-top: 1.25rem;
  }
  .failed {
    color: var(--warn);
  }
  .rows {
    position: relative; /* what is hidden in it must not widen the page */
    margin-top: 0.375rem;
    overflow-x: auto;
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 0.875rem;
    font-variant-numeric: tabular-nums;
  }
  th,
  td {
    padding: 0.375rem 0.75rem 0.375rem 0;
    text-align: start;
    vertical-align: baseline;
    border-bottom: 1px solid var(--line);
  }
  thead th {
    font-size: 0.8125rem;
    font-weight: 550;
    color: var(--muted);
    line-height: 1.3;
    border-bottom-color: var(--edge);
    vertical-align: bottom;
  }
  tbody th {
    min-width: 7rem;
    font-weight: 550;
  }
  /* Chinese breaks between any two characters: narrow columns would be one character wide. */
  thead th:lang(zh),
  td:not(.prose):lang(zh) {
    word-break: keep-all;
  }
  td.number {
    white-space: nowrap;
  }
  td.prose {
    min-width: 14rem;
  }
  td.none {
    color: var(--muted);
  }
  .mark,
  .legend i {
    display: inline-block;
    width: 1.5em;
    font-style: normal;
    font-size: 0.6875rem;
    color: var(--accent);
  }
  .words a,
  td a,
  th a {
    color: inherit;
    text-decoration-color: var(--edge);
    text-underline-offset: 0.2em;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    justify-content: space-between;
    gap: 0 1.5rem;
    margin-top: 0.5rem;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0 1.25rem;
  }
  .foot details {
    flex: 1 1 12rem;
    font-size: 0.8125rem;
  }
  .foot summary {
    font-size: 0.8125rem;
  }
  .foot dt {
    font-weight: 600;
    margin-top: 0.375rem;
  }
  .foot dd {
    max-width: 46rem;
    color: var(--muted);
  }
  .exports {
    display: flex;
    flex-wrap: wrap;
    gap: 0 1rem;
  }
  @media print {
    .progress,
    .exports,
    .controls {
      display: none;
    }
    section {
      break-inside: avoid;
    }
  }
`;
