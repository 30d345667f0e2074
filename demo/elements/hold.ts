/** Milliseconds for which what was asked for is kept at the top. */
const HELD = 3000;

/**
 * Brings an element to the top of the screen, and the keyboard to it. Stations above have guessed heights until they are
 * near the screen: while they are laid out it is kept there, until the reader moves or the signal aborts.
 */
export function holdAtTop(element: HTMLElement, signal?: AbortSignal): void {
  element.focus({ preventScroll: true });
  const moved = new AbortController();
  for (const move of ["wheel", "touchstart", "keydown", "pointerdown"])
    addEventListener(move, () => moved.abort(), { passive: true, signal: moved.signal });
  const until = performance.now() + HELD;
  const keep = () => {
    if (moved.signal.aborted || signal?.aborted) return moved.abort();
    element.scrollIntoView();
    if (performance.now() < until) requestAnimationFrame(keep);
    else moved.abort();
  };
  keep();
}
