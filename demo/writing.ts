/** Text that the model writes on request. */
import type { GenerateOptions, Generation } from "./runtime.js";
import { Store } from "./store.js";

export interface WritingState {
  readonly active: boolean;
  readonly prompt: string;
  readonly text: string;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly problem: Error | null;
}

type Start = (prompt: string, options: GenerateOptions) => Promise<unknown>;

export class Writing extends Store<WritingState> {
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly begin: Start) {
    super({ active: false, prompt: "", text: "", tokens: 0, tokensPerSecond: 0, problem: null });
  }

  async start(prompt: string, options: GenerateOptions): Promise<void> {
    if (this.state.active) return;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.set({ active: true, prompt, text: "", tokens: 0, tokensPerSecond: 0, problem: null });
    this.#running = this.begin(prompt, { ...options, signal })
      .catch((error: unknown) => {
        if (!signal.aborted) this.set({ problem: error instanceof Error ? error : new Error(String(error)) });
      })
      .then(() => this.set({ active: false }));
    await this.#running;
  }

  /** Shows a generation as it comes. */
  async take(generation: Generation): Promise<void> {
    const started = performance.now();
    for await (const piece of generation) {
      const tokens = this.state.tokens + 1;
      const seconds = (performance.now() - started) / 1000;
      this.set({ text: this.state.text + piece.text, tokens, tokensPerSecond: tokens / seconds });
      if (this.#abort.signal.aborted) break;
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }
}
