/** Gives every element its tag. */
import { GpuTest } from "./gpu-test.js";
import { GpuTestResults } from "./gpu-test-report.js";
import { LossChart } from "./loss-chart.js";
import { MemoryPlan } from "./memory-plan.js";
import { ModelKeeper } from "./model-keeper.js";
import { ModelSample } from "./model-sample.js";
import { ModelSettings } from "./model-settings.js";
import { NoWebGPU } from "./no-webgpu.js";
import { ProblemCard } from "./problem-card.js";
import { ReformerPage } from "./reformer-page.js";
import { RunBar } from "./run-bar.js";
import { RunNumbers } from "./run-numbers.js";
import { SavedBanner } from "./saved-banner.js";
import { TextPicker } from "./text-picker.js";
import { TextWriter } from "./text-writer.js";
import { TrainingStudio } from "./training-studio.js";

const ELEMENTS: readonly (readonly [tag: string, element: CustomElementConstructor])[] = [
  ["gpu-test", GpuTest],
  ["gpu-test-report", GpuTestResults],
  ["loss-chart", LossChart],
  ["memory-plan", MemoryPlan],
  ["model-keeper", ModelKeeper],
  ["model-sample", ModelSample],
  ["model-settings", ModelSettings],
  ["no-webgpu", NoWebGPU],
  ["problem-card", ProblemCard],
  ["run-bar", RunBar],
  ["run-numbers", RunNumbers],
  ["saved-banner", SavedBanner],
  ["text-picker", TextPicker],
  ["text-writer", TextWriter],
  ["training-studio", TrainingStudio],
  ["reformer-page", ReformerPage],
];

export function defineElements(): void {
  for (const [tag, element] of ELEMENTS) customElements.define(tag, element);
}
