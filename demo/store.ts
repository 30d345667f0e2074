/** State that elements watch. Watchers hear of changes at most once per drawn frame. */

export class Store<State extends object> {
  #state: State;
  #watchers = new Set<() => void>();
  #scheduled = false;

  constructor(state: State) {
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
      for (const watcher of this.#watchers) watcher();
    };
    // A hidden page draws no frames, yet its title and saved state must follow.
    if (document.hidden) setTimeout(tell, 250);
    else requestAnimationFrame(tell);
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
