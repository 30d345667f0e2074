/** The look of the learning curve. */
import { css } from "lit";

/** Of the curve and of its table, in CSS pixels. */
export const HEIGHT = 300;

export const lossChartStyles = css`
  :host {
    container-type: inline-size;
  }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0.25rem 1rem;
  }
  h2 {
    flex: 1 1 auto;
  }
  @container (max-width: 28rem) {
    h2 {
      flex-basis: 100%;
    }
  }
  select {
    width: auto;
    min-height: 2rem;
    font-size: 0.8125rem;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0.125rem 1.25rem;
    margin: 0.5rem 0 0.25rem;
    min-height: 1.25rem;
    font-size: 0.8125rem;
    color: var(--muted);
  }
  .legend b {
    font-weight: 600;
    color: var(--ink);
  }
  .key::before {
    content: "";
    display: inline-block;
    width: 1rem;
    height: 0;
    margin-inline-end: 0.4rem;
    vertical-align: middle;
    border-top: 2px solid currentColor;
  }
  .key.train {
    color: var(--accent);
  }
  .key.held-out {
    color: var(--held-out);
  }
  .plot {
    position: relative;
    height: ${HEIGHT}px;
    min-width: 0;
    overflow: hidden;
  }
  .empty {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    padding: 2rem;
    text-align: center;
    border-radius: var(--radius);
    background: var(--sunken);
  }
  .drawn {
    position: absolute;
    opacity: 0; /* visibility would be inherited, and saved */
    pointer-events: none;
    background-color: var(--paper);
  }
  .exports {
    text-align: end;
  }
  .probe {
    color: var(--muted);
    border-color: var(--line);
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 0.875rem;
    font-variant-numeric: tabular-nums;
  }
  .rows {
    min-height: ${HEIGHT}px;
    overflow-x: auto;
  }
  th,
  td {
    padding: 0.25rem 0.5rem;
    text-align: end;
    border-bottom: 1px solid var(--line);
  }
  th {
    font-weight: 550;
  }
`;
