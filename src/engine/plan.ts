// The plan of a training run on a device: within the model's budget, of the fastest products where that is asked for, and
// as the checkpoint it goes on from was planned.
import type { ReformerConfig } from "../config/config.js";
import type { DeviceProfile, PlanChoices } from "../scheduler/plan.js";
import { rememberedChoices, stopwatchOn, tune } from "../scheduler/tune.js";
import { planTraining, type TrainingPlan, type TrainingShape } from "../train/recordings.js";
import type { OpenDevice } from "./device.js";
import { planLength } from "./length.js";

export interface RunPlan {
  readonly plan: TrainingPlan;
  /** Something the person should know, in a sentence. */
  readonly notice?: string;
}

/**
 * @param options `chosen` is what the run's checkpoint says: it is taken again where it still fits, and nothing is tuned
 * @throws {GpuOutOfMemoryError} saying the longest length that fits; {ShapeError}
 */
export async function planRun(
  { gpu, base, weights, planner }: OpenDevice,
  config: ReformerConfig,
  shape: TrainingShape,
  options: { readonly tune: boolean; readonly chosen: PlanChoices | undefined },
): Promise<RunPlan> {
  const held = { bytes: gpu.liveBytes, shared: base.plan };
  const make = (p: DeviceProfile, length: number) => planTraining(config, { ...shape, length }, weights, p);
  const { chosen } = options;
  let plan = await planner.plan((p) => planLength(config, shape.length, { ...p, ...chosen }, held, make));
  const { profile } = planner;
  const notices = [...planner.notices];
  if (!chosen && options.tune && shape.precision !== "mixed") {
    const known = rememberedChoices(gpu.device);
    const { tuned, broken } = await tune(plan.plan, profile, known, stopwatchOn(gpu, profile));
    const { chunkDivisor, headGroup } = plan.plan.choices;
    plan = make({ ...profile, chunkDivisor, headGroup, tuned }, shape.length);
    if (broken.length > 0) {
      notices.push(`This adapter computes wrongly with ${broken.join(", ")}: others are used instead.`);
    }
  }
  return notices.length > 0 ? { plan, notice: notices.join(" ") } : { plan };
}
