/** The one state of the page: text, settings, run, model, writing. Elements show it and call its verbs. */
import type { AdapterFound } from "./adapter.js";
import { Curve } from "./curve.js";
import { isModelFile, readModelFiles } from "./model-file.js";
import { ModelHolder, type ModelOrigin } from "./model-holder.js";
import { keepRun, runOf } from "./runs.js";
import type { Model, ModelFiles, Runtime, TrainRun, TrainStep } from "./runtime.js";
import { forgetRun, RunKeeper, readOrigin, readRun } from "./saved-run.js";
import {
  afterStep,
  BUSY,
  initialState,
  NO_RUN,
  type Phase,
  type Plan,
  planOf,
  type SessionState,
  samplePromptOf,
  savedRunOf,
} from "./session-state.js";
import { modelConfig, type Settings, trainOptions } from "./settings.js";
import { Store } from "./store.js";
import { type Book, fetchBook, readOwnText } from "./text-source.js";
import { Writing } from "./writing.js";

const CHECKPOINT = "page";
/** Milliseconds: numbers that change faster cannot be read. */
const TELL_EVERY = 100;
/** Gets text and model ready for a run. */
type Prepare = (signal: AbortSignal) => Promise<{ readonly steps: number; readonly resume: boolean }>;

export class Session extends Store<SessionState> {
  curve = new Curve();
  readonly writing: Writing;
  readonly #holder: ModelHolder;
  #text = "";
  /** When the run began, which names it in the table of runs. */
  #began = 0;
  #keeper = new RunKeeper();
  #abort = new AbortController();
  #leave: "paused" | "stopped" | null = null;
  /** The run whose steps are being taken. */
  #current: TrainRun | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(
    readonly runtime: Runtime,
    readonly book: Book,
    adapter: AdapterFound,
  ) {
    super(initialState(adapter), TELL_EVERY);
    this.#holder = new ModelHolder(runtime);
    this.writing = new Writing((prompt, options) => this.#writer(prompt, options));
  }

  get busy(): boolean {
    return BUSY.includes(this.state.phase);
  }
  /** Whether text and model belong to a run that is not over. */
  get locked(): boolean {
    return this.busy || this.state.phase === "paused";
  }
  get plan(): Plan {
    return planOf(this.state);
  }
  /** Name of the text in use. */
  get textName(): string {
    return this.state.ownText?.name ?? this.book.title;
  }

  /** How samples begin. */
  get samplePrompt(): string {
    return samplePromptOf(this.state);
  }

  /** Looks for a run that an earlier visit left. */
  async findSavedRun(): Promise<void> {
    const savedRun = await readRun().catch(() => undefined);
    if (savedRun && this.state.phase === "idle") this.set({ savedRun });
  }

  useBook(): void {
    this.set({ ownText: null, characters: null });
  }

  /** Takes what a visitor chose or dropped: a model's files, else a text. */
  async openFiles(files: readonly File[]): Promise<void> {
    const [first] = files;
    if (!first || this.locked) return;
    const weights = files.find(isModelFile);
    if (weights) return this.#openModel(weights.name, async () => ({ files: await readModelFiles(files) }));
    const ownText = await this.#guard(() => readOwnText(first));
    if (ownText) this.set({ ownText, characters: ownText.text.length, problem: null });
  }

  /** A new model, from its first step. */
  train(): Promise<void> {
    const { settings, modelFile } = this.state;
    return this.#begin(async (signal) => {
      await this.#fetchText(signal);
      if (!modelFile) await this.#open({ config: modelConfig(settings) }, settings, signal);
      else if (!this.#holder.files) await this.#holder.fix(); // it came from an address: a reload goes on from here
      this.#clearRun();
      await forgetRun().catch(() => undefined); // its checkpoint is replaced from here on
      return { steps: settings.steps, resume: false };
    });
  }

  /** The paused run goes on, or the saved one where there is no model yet. */
  resume(): Promise<void> {
    const { savedRun, last } = this.state;
    if (this.#holder.model) {
      const { settings } = this.state;
      return this.#begin(async () => ({ steps: last?.steps ?? settings.steps, resume: true }));
    }
    if (!savedRun) return this.train();
    return this.#begin(async (signal) => {
      const { settings, config, textName, modelFile, curve } = savedRun;
      const { text, files } = (await readOrigin()) ?? {};
      this.set({ settings, ownText: text && textName ? { name: textName, text } : null });
      await this.#fetchText(signal);
      await this.#open(files ? { files } : { config }, settings, signal);
      this.#clearRun();
      this.#began = savedRun.began;
      this.set({ modelFile });
      this.curve = Curve.from(curve);
      return { steps: savedRun.steps, resume: true };
    });
  }

  /** The finished run takes as many steps again, on the text that is chosen now. */
  goOn(): Promise<void> {
    const { settings, last } = this.state;
    return this.#begin(async (signal) => {
      const before = this.#text;
      await this.#fetchText(signal);
      if (this.#text !== before) {
        await this.#holder.fix(); // its vocabulary comes from the text before
        this.#keeper = new RunKeeper();
      }
      return { steps: (last?.step ?? 0) + settings.steps, resume: true };
    });
  }

  /** After a failure: a fresh model goes on from what was saved. */
  async recover(): Promise<void> {
    if (this.busy) return;
    await this.#close().catch(() => undefined); // its worker or device may be gone
    this.set({ savedRun: (await readRun()) ?? null });
    await this.resume();
  }

  pause(): Promise<void> {
    return this.#leaveRun("paused");
  }

  async stop(): Promise<void> {
    if (this.state.phase === "preparing") this.#abort.abort();
    if (this.state.phase === "paused") this.set({ phase: "stopped" });
    await this.#leaveRun("stopped");
  }

  async discardSavedRun(): Promise<void> {
    this.set({ savedRun: null });
    await forgetRun().catch(() => undefined);
  }

  /** Files of the model, to keep. */
  async files(): Promise<ModelFiles | undefined> {
    return this.#aside(async (model) => this.#guard(() => model.files()));
  }

  /** Back to a new model made from the settings. */
  async closeModel(): Promise<void> {
    await this.stop();
    await this.#close();
    this.#clearRun();
    this.set({ phase: "idle" });
  }

  fail(problem: unknown): void {
    this.set({ problem: problem instanceof Error ? problem : new Error(String(problem)) });
  }

  // --- one run at a time ---

  async #begin(prepare: Prepare): Promise<void> {
    if (this.busy) return;
    await this.writing.stop();
    this.#abort = new AbortController();
    this.#leave = null;
    this.set({ phase: "preparing", preparing: null, problem: null, savedRun: null });
    const running = this.#run(prepare, this.#abort.signal);
    this.#running = running;
    await running;
  }

  async #run(prepare: Prepare, signal: AbortSignal): Promise<void> {
    let end: Phase;
    try {
      const { steps, resume } = await prepare(signal);
      end = await this.#steps(steps, resume, signal);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
      const over = signal.aborted ? "paused" : "stopped";
      end = this.#holder.model && this.state.last ? over : "idle";
    }
    this.set({ phase: end, preparing: null });
    if (this.state.last) await this.#record().catch((error: unknown) => this.fail(error));
  }

  async #steps(steps: number, resume: boolean, signal: AbortSignal): Promise<Phase> {
    const { model } = this.#holder;
    if (!model) return "idle";
    const { samplePrompt } = this;
    const options = { ...trainOptions(this.state.settings, steps), samplePrompt, checkpoint: CHECKPOINT };
    let first = true;
    this.#current = model.train(this.#text, { ...options, resume, signal });
    for await (const step of this.#current) {
      if (first) {
        this.curve.cutAfter(step.step - 1);
        this.set({ savedStep: step.step - 1, notice: null });
      }
      this.#take(step, samplePrompt);
      if (first) {
        const description = await model.describe();
        const measured = { key: this.plan.key, memory: description.memory };
        this.set({ phase: this.#leave ? "pausing" : "training", model: description, measured });
      }
      if (first || step.saved) await this.#record();
      first = false;
    }
    // Saved where it ended: it may have taken its last step when it was to pause.
    const description = await model.describe();
    this.set({ model: description, savedStep: description.step });
    return description.step < steps ? (this.#leave ?? "done") : "done";
  }

  #take(step: TrainStep, prompt: string): void {
    if (step.recoveredFrom !== undefined) this.curve.cutAfter(step.recoveredFrom);
    this.curve.add({ step: step.step, loss: step.loss, bits: step.bitsPerCharacter }, step.heldOut);
    this.set(afterStep(this.state, step, prompt));
  }

  async #leaveRun(how: "paused" | "stopped"): Promise<void> {
    if (this.state.phase !== "training" && this.state.phase !== "pausing") return;
    this.#leave = how;
    this.#current?.stop(); // steps that have begun are still told
    this.set({ phase: "pausing" });
    await this.#running;
  }

  #writer(prompt: string, options: Parameters<Model["generate"]>[1]) {
    return this.#aside((model) => this.writing.take(model.generate(prompt, options)));
  }

  /** Uses the model between steps: a run pauses for it, and goes on after. */
  async #aside<T>(use: (model: Model) => Promise<T>): Promise<T | undefined> {
    const interrupts = this.state.phase === "training";
    if (interrupts) await this.pause();
    const { model } = this.#holder;
    try {
      return model ? await use(model) : undefined;
    } finally {
      if (interrupts && this.#leave === "paused") void this.resume();
    }
  }

  // --- parts of it ---

  async #fetchText(signal: AbortSignal): Promise<void> {
    const { ownText } = this.state;
    this.set({ preparing: { phase: "download", share: 0 } });
    this.#text = ownText ? ownText.text : await fetchBook(this.book, signal);
    this.set({ characters: this.#text.length });
  }

  async #open(origin: ModelOrigin, settings: Settings, signal: AbortSignal): Promise<void> {
    await this.#close();
    const model = await this.#holder.open(origin, settings, this.#text, signal, (preparing) =>
      this.set({ preparing }),
    );
    this.set({ model: await model.describe() });
  }

  /** A model of the hub by its name, or of any address. */
  async openAddress(address: string, name = address): Promise<void> {
    if (!this.locked) await this.#openModel(name, async () => ({ address }));
  }

  async #openModel(name: string, originOf: () => Promise<ModelOrigin>): Promise<void> {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.set({ phase: "preparing", preparing: null, problem: null });
    await this.#guard(async () => {
      await this.#open(await originOf(), this.state.settings, signal);
      this.#clearRun();
      this.set({ modelFile: name });
    });
    this.set({ phase: "idle", preparing: null });
  }

  async #close(): Promise<void> {
    await this.writing.stop();
    this.set({ model: null, modelFile: null });
    await this.#holder.close();
  }

  #clearRun(): void {
    this.#began = Date.now();
    this.#keeper = new RunKeeper();
    this.curve = new Curve();
    this.set(NO_RUN);
  }

  async #record(): Promise<void> {
    const known = runOf(this.state, this.#began, this.textName);
    if (known) keepRun(known);
    const run = savedRunOf(this.state, this.curve, this.#began);
    const { files } = this.#holder;
    if (run) await this.#keeper.keep(run, { text: this.state.ownText?.text, files });
  }

  /** What it gives, or undefined after showing why not. */
  async #guard<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!this.#abort.signal.aborted) this.fail(error);
      return undefined;
    }
  }
}
