/** What experiments share: the device, the models that stay open between them, and the clock. */
import {
  type CreateOptions,
  Reformer,
  type ReformerOptions,
  WebGPUUnavailableError,
} from "../../src/index.js";
import { isSoftware } from "../adapter.js";

/** Standard features that the library can use where the adapter has them. */
const FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16", "subgroups"];

export class Bench {
  #device: Promise<GPUDevice> | null = null;
  readonly #kept = new Map<string, { readonly key: string; readonly model: Reformer }>();
  /** A software adapter: correct, a thousand times slower. */
  software = true;

  device(): Promise<GPUDevice> {
    this.#device ??= this.#open();
    this.#device.catch(() => this.forget());
    return this.#device;
  }

  async #open(): Promise<GPUDevice> {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) throw new WebGPUUnavailableError("this worker gets no GPU adapter");
    this.software = isSoftware(adapter.info);
    const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize } = adapter.limits;
    const device = await adapter.requestDevice({
      label: "lab",
      requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize },
    });
    void device.lost.then(() => this.forget());
    return device;
  }

  /** The next experiment asks for a new device. */
  forget(): void {
    this.#device = null;
    this.#kept.clear();
  }

  /** A new model on the shared device; the caller disposes of it. */
  async create(config: ReformerOptions, options: CreateOptions = {}): Promise<Reformer> {
    return Reformer.create(config, { ...options, interactive: true, device: await this.device() });
  }

  async load(address: string, options: CreateOptions = {}): Promise<Reformer> {
    return Reformer.load(address, {
      ...options,
      cache: false,
      interactive: true,
      device: await this.device(),
    });
  }

  /** The model of that kind that outlived its experiment, where it is that one. */
  kept(kind: string, key: string): Reformer | null {
    const found = this.#kept.get(kind);
    return found?.key === key ? found.model : null;
  }

  /** Keeps a model open for the next experiment, in place of the one of that kind before. */
  async keep(kind: string, key: string, model: Reformer): Promise<void> {
    const before = this.#kept.get(kind);
    this.#kept.set(kind, { key, model });
    await before?.model.dispose();
  }
}

/** Median milliseconds of a call; the first call only warms up, unless it takes longer than `budget` by itself. */
export async function time(
  work: () => Promise<unknown>,
  { repeats = 3, budget = 1500, signal }: { repeats?: number; budget?: number; signal: AbortSignal },
): Promise<number> {
  const once = async () => {
    signal.throwIfAborted();
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const first = await once();
  if (first > budget) return first;
  const times: number[] = [];
  const until = performance.now() + budget;
  while (times.length < repeats && (times.length === 0 || performance.now() < until))
    times.push(await once());
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? first;
}
