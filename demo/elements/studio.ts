/** The studio: its elements, and its session, which takes the GPU from everyone else while it uses it. */
import type { AdapterFound } from "../adapter.js";
import type { GpuTurn } from "../gpu-turn.js";
import type { Runtime } from "../runtime.js";
import { Session } from "../session.js";
import { searchOf, settingsOf, withWriting, writingOf } from "../settings-link.js";
import type { Book } from "../text-source.js";
import { ClosingQuiz } from "./closing-quiz.js";
import { GpuTest } from "./gpu-test.js";
import { GpuTestResults } from "./gpu-test-report.js";
import { LossChart } from "./loss-chart.js";
import { MemoryPlan } from "./memory-plan.js";
import { ModelKeeper } from "./model-keeper.js";
import { ModelSample } from "./model-sample.js";
import { ModelSettings } from "./model-settings.js";
import { NoWebGPU } from "./no-webgpu.js";
import { ProblemCard } from "./problem-card.js";
import { RunBar } from "./run-bar.js";
import { RunNumbers } from "./run-numbers.js";
import { RunTable } from "./run-table.js";
import { SavedBanner } from "./saved-banner.js";
import { TextPicker } from "./text-picker.js";
import { TextWriter } from "./text-writer.js";
import { TrainingStudio } from "./training-studio.js";

const ELEMENTS: readonly (readonly [tag: string, element: CustomElementConstructor])[] = [
  ["closing-quiz", ClosingQuiz],
  ["gpu-test", GpuTest],
  ["gpu-test-report", GpuTestResults],
  ["loss-chart", LossChart],
  ["memory-plan", MemoryPlan],
  ["model-keeper", ModelKeeper],
  ["model-sample", ModelSample],
  ["model-settings", ModelSettings],
  ["problem-card", ProblemCard],
  ["run-bar", RunBar],
  ["run-numbers", RunNumbers],
  ["run-table", RunTable],
  ["saved-banner", SavedBanner],
  ["text-picker", TextPicker],
  ["text-writer", TextWriter],
  ["training-studio", TrainingStudio],
  ["no-webgpu", NoWebGPU],
];
for (const [tag, element] of ELEMENTS) customElements.define(tag, element);

/** A session that seizes the GPU's turn for as long as it trains, writes or tests. */
export function studio(runtime: Runtime, book: Book, adapter: AdapterFound, turn: GpuTurn): Session {
  const testGpu: Runtime["testGpu"] = async (extent, options) => {
    const release = turn.seize("gpu-test");
    try {
      return await runtime.testGpu(extent, options);
    } finally {
      release();
    }
  };
  const session = new Session({ ...runtime, testGpu }, book, adapter);
  followAddress(session);
  let release: (() => void) | null = null;
  const follow = () => {
    const wants = session.busy || session.writing.state.active;
    if (wants && !release) release = turn.seize("studio");
    else if (!wants && release) {
      release();
      release = null;
    }
  };
  session.watch(follow);
  session.writing.watch(follow);
  return session;
}

/** Milliseconds without a change before the address follows; browsers refuse addresses that change too often. */
const ADDRESS_AFTER = 400;

/** Takes settings from a shared address, and writes changed ones into the address. */
function followAddress(session: Session): void {
  const shared = settingsOf(location.search);
  session.set({ writing: writingOf(location.search), ...(shared && { settings: shared }) });
  let { settings, writing } = session.state;
  let later: ReturnType<typeof setTimeout> | undefined;
  const follow = () => {
    const { state } = session;
    const search = settings === state.settings ? location.search : searchOf(state.settings, location.search);
    ({ settings, writing } = state);
    // With its path, for an empty query would leave the address as it was.
    const address = `${location.pathname}${withWriting(writing, search)}${location.hash}`;
    history.replaceState(history.state, "", address);
  };
  session.watch(() => {
    if (settings === session.state.settings && writing === session.state.writing) return;
    clearTimeout(later);
    later = setTimeout(follow, ADDRESS_AFTER);
  });
}
