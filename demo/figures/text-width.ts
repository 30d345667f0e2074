/** How much room texts take in figures, before they are drawn. */

type Weight = "normal" | "bold";

const SIZE = 12;
/** Some fonts have wider digits where all are to be of one width. */
const TABULAR = 1.03;

/** Milliseconds for which the page is not asked again: it would find out the styles of all that has changed. */
const ASKED_EVERY = 1000;

let context: OffscreenCanvasRenderingContext2D | null = null;
let known = { family: "", until: Number.NEGATIVE_INFINITY };

/** The page's own; a page that embeds stations may name another. */
function family(): string {
  const now = performance.now();
  if (now < known.until) return known.family;
  const style = getComputedStyle(document.documentElement);
  const named = style.getPropertyValue("--sans") || style.getPropertyValue("--reformer-sans");
  const family = named || 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
  known = { family, until: now + ASKED_EVERY };
  return family;
}

/** CSS pixels of a text of 12 px. */
export function widthOf(text: string, weight: Weight = "normal"): number {
  if (!context) {
    context = new OffscreenCanvas(1, 1).getContext("2d");
    if (!context) return text.length * SIZE;
  }
  context.font = `${weight === "bold" ? 600 : 400} ${SIZE}px ${family()}`;
  return context.measureText(text).width * TABULAR;
}

/** The text in lines of at most `width`, broken at spaces or, where letters have none between them, anywhere. */
export function linesOf(text: string, width: number, weight: Weight = "normal"): readonly string[] {
  const pieces = text.match(/[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s*|\s+/g) ?? [];
  const lines: string[] = [];
  for (const piece of pieces) {
    const longer = `${lines.at(-1) ?? ""}${piece}`;
    if (lines.length > 0 && widthOf(longer.trimEnd(), weight) <= width) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines.map((line) => line.trimEnd());
}
