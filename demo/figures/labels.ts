/** Names beside points: none over another, nor over a point. */
import { widthOf } from "./text-width.js";

export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface Placed {
  /** Left end of the text, and its baseline. */
  readonly x: number;
  readonly y: number;
  /** Where a line to the point begins; null: the text stands right beside it. */
  readonly leader: readonly [x: number, y: number] | null;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Height of a line, and of a letter above and below its baseline, and half of a point with its gap, in CSS pixels. */
const [LINE, ABOVE, BELOW, POINT] = [15, 10, 3, 7];
const meet = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Heights of names one above the other, from those of what they name, the highest first: a line apart, none below `bottom`,
 * and moved no further than that takes.
 */
export function spreadNames(heights: readonly number[], bottom: number): number[] {
  let before = Number.NEGATIVE_INFINITY;
  const down = heights.map((height) => {
    before = Math.max(height, before + LINE);
    return before;
  });
  let lowest = bottom;
  return down
    .toReversed()
    .map((height) => {
      const place = Math.min(height, lowest);
      lowest = place - LINE;
      return place;
    })
    .reverse();
}

/**
 * A place for every name, the nearest that is free: beside its point, or some lines above or below, then with a line to it.
 * Where nothing is free names stand beside their points.
 */
export function placeLabels(points: readonly Labelled[], area: Box): readonly Placed[] {
  const taken: Box[] = points.map(({ x, y }) => ({
    ...{ left: x - POINT, right: x + POINT },
    ...{ top: y - POINT, bottom: y + POINT },
  }));
  return points.map(({ x, y, text }) => {
    const wide = widthOf(text, "bold");
    const lines = Math.ceil((area.bottom - area.top) / LINE);
    const rows = Array.from({ length: 2 * lines + 1 }, (_, i) => (i % 2 ? 1 : -1) * Math.ceil(i / 2) * LINE);
    const clamped = Math.max(area.left, Math.min(x - wide / 2, area.right - wide));
    const tried = rows.flatMap((dy) =>
      [x + POINT + 1, x - POINT - 1 - wide, ...(dy === 0 ? [] : [clamped])].map((left) => ({
        dy,
        box: { left, right: left + wide, top: y + dy + 4 - ABOVE, bottom: y + dy + 4 + BELOW },
      })),
    );
    const inside = (box: Box) =>
      box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
    const free = tried.find(({ box }) => inside(box) && !taken.some((one) => meet(one, box)));
    const { dy, box } = free ?? { dy: 0, box: { left: x + POINT + 1, right: 0, top: 0, bottom: 0 } };
    if (free) taken.push(free.box);
    const nearest = Math.max(box.left, Math.min(x, box.right));
    const edge = dy < 0 ? box.bottom : box.top;
    return { x: box.left, y: y + dy + 4, leader: dy === 0 ? null : [nearest, edge] };
  });
}
