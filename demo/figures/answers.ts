/** Answers in a list, each marked as right or wrong. */
import { css, html, type TemplateResult } from "lit";

export interface Judged {
  readonly right: boolean;
  readonly line: string | TemplateResult;
}

export const answerStyles = css`
  .answers {
    margin: 0.75rem 0 0;
    padding: 0;
    list-style: none;
    font-size: 0.875rem;
    font-variant-numeric: tabular-nums;
  }
  .answers .right::before {
    content: "✓ ";
    color: var(--lsh);
  }
  .answers .wrong::before {
    content: "✗ ";
    color: var(--full);
  }
`;

export const answerList = (name: string, answers: readonly Judged[]): TemplateResult =>
  html`<ul class="answers ${name}">${answers.map(({ right, line }) => html`<li class=${right ? "right" : "wrong"}>${line}</li>`)}</ul>`;
