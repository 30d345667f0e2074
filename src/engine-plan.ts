// The plan of a training run on a device: within the model's budget, and as the checkpoint it goes on from was planned.
import type { ReformerConfig } from "./config.js";
import type { OpenDevice } from "./engine-device.js";
import { planLength } from "./engine-length.js";
import type { DeviceProfile, PlanChoices } from "./scheduler/plan.js";
import { planTraining, type TrainingPlan, type TrainingShape } from "./train/recordings.js";

/**
 * @param chosen what the run's checkpoint says; it is taken again where it still fits
 * @throws {GpuOutOfMemoryError} saying the longest length that fits; {ShapeError}
 */
export function planRun(
  { gpu, base, weights, profile }: OpenDevice,
  config: ReformerConfig,
  shape: TrainingShape,
  chosen: PlanChoices | undefined,
): TrainingPlan {
  const held = { bytes: gpu.liveBytes, shared: base.plan };
  const make = (p: DeviceProfile, length: number) => planTraining(config, { ...shape, length }, weights, p);
  return planLength(config, shape.length, { ...profile, ...chosen }, held, make);
}
