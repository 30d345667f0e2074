/** State that elements watch. Watchers hear of changes at most once per drawn frame, or more rarely where that is asked. */

export class Store<State extends object> {
  #state: State;
  #watchers = new Set<() => void>();
  #scheduled = false;

  #told = 0;

  /** @param interval milliseconds between two tellings at least */
  constructor(
    state: State,
    private readonly interval = 0,
  ) {
    this.#state = state;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#scheduled) return;
    this.#scheduled = true;
    const tell = () => {
      this.#scheduled = false;
      this.#told = performance.now();
      for (const watcher of this.#watchers) watcher();
    };
    const wait = this.#told + this.interval - performance.now();
    // A hidden page draws no frames, yet what it shows must follow.
    if (document.hidden || wait > 0) setTimeout(tell, wait);
    else requestAnimationFrame(tell);
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
