/**
 * A heap of (count, pair), most frequent first, lowest pair among equals. Push a pair whenever its count has grown; a
 * count that shrank is noticed when its entry comes up.
 */
export class PairHeap {
  private readonly counts: number[] = [];
  private readonly pairs: number[] = [];

  push(count: number, pair: number): void {
    let at = this.pairs.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(count, pair, parent)) break;
      this.copy(parent, at);
      at = parent;
    }
    this.counts[at] = count;
    this.pairs[at] = pair;
  }

  /** Removes and returns the pair of the largest count in `current`; undefined where none is left. */
  popLargest(current: ReadonlyMap<number, number>): number | undefined {
    while (this.pairs.length > 0) {
      const count = this.counts[0] as number;
      const pair = this.pairs[0] as number;
      this.removeFirst();
      const now = current.get(pair) ?? 0;
      if (now === count) return pair;
      if (now > 0 && now < count) this.push(now, pair); // where it grew, a newer entry was pushed then
    }
    return undefined;
  }

  private removeFirst(): void {
    const count = this.counts.pop() as number;
    const pair = this.pairs.pop() as number;
    const length = this.pairs.length;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && this.before(this.counts[right] as number, this.pairs[right] as number, child))
        child = right;
      if (this.before(count, pair, child)) break;
      this.copy(child, at);
      at = child;
    }
    this.counts[at] = count;
    this.pairs[at] = pair;
  }

  /** Whether (count, pair) comes before the entry at `at`. */
  private before(count: number, pair: number, at: number): boolean {
    const other = this.counts[at] as number;
    return count > other || (count === other && pair < (this.pairs[at] as number));
  }

  private copy(from: number, to: number): void {
    this.counts[to] = this.counts[from] as number;
    this.pairs[to] = this.pairs[from] as number;
  }
}
