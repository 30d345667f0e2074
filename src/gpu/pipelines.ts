// Pipelines of one device, each compiled once: models that share the device share them.
import { ShaderCompileError } from "../errors.js";
import type { Dims, Kernel, Variant } from "./kernel.js";

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const OF_DEVICES = new WeakMap<GPUDevice, Pipelines>();

/** What was compiled for a device. */
export function pipelinesOf(device: GPUDevice): Pipelines {
  const pipelines = OF_DEVICES.get(device) ?? new Pipelines(device);
  OF_DEVICES.set(device, pipelines);
  return pipelines;
}

export class Pipelines {
  readonly #pipelines = new Map<Variant<Dims>, Map<string, Promise<CompiledKernel>>>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(readonly device: GPUDevice) {}

  /**
   * The pipeline of one kernel variant at these sizes.
   * @throws {ShaderCompileError} with the compiler's messages
   */
  pipeline(kernel: Kernel<Dims>, variant: Variant<Dims>, dims: Dims): Promise<CompiledKernel> {
    const overrides = variant.overrides(dims);
    const label = `${kernel.name}/${kernel.entryPoint}/${variant.name}/${JSON.stringify(overrides)}`;
    const ofVariant = this.#pipelines.get(variant) ?? new Map<string, Promise<CompiledKernel>>();
    this.#pipelines.set(variant, ofVariant);
    let compiled = ofVariant.get(label);
    if (!compiled) {
      compiled = this.#compile(label, kernel, variant, overrides);
      ofVariant.set(label, compiled);
      compiled.catch(() => ofVariant.delete(label));
    }
    return compiled;
  }

  async #compile(
    label: string,
    kernel: Kernel<Dims>,
    variant: Variant<Dims>,
    constants: Readonly<Record<string, number>>,
  ): Promise<CompiledKernel> {
    const code = variant.sources.join("\n");
    let module = this.#modules.get(code);
    if (!module) {
      module = this.device.createShaderModule({ label: kernel.name, code });
      this.#modules.set(code, module);
    }
    const layout = this.#layout(kernel);
    try {
      const pipeline = await this.device.createComputePipelineAsync({
        label,
        layout: this.device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: kernel.entryPoint, constants },
      });
      return { pipeline, layout };
    } catch (error) {
      const info = await module.getCompilationInfo();
      const messages = info.messages.map((m) => `${m.type} at line ${m.lineNum}:${m.linePos}: ${m.message}`);
      throw new ShaderCompileError(
        `${label} did not compile: ${error instanceof Error ? error.message : String(error)}${messages.length ? `\n${messages.join("\n")}` : ""}`,
        { kernel: kernel.name, variant: variant.name },
      );
    }
  }

  #layout(kernel: Kernel<Dims>): GPUBindGroupLayout {
    const accesses = Object.values(kernel.bindings).map((b) => b.access === "read");
    const hasParams = Object.keys(kernel.params).length > 0;
    const key = `${hasParams}/${accesses.join()}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries: GPUBindGroupLayoutEntry[] = accesses.map((readOnly, i) => ({
        binding: i + 1,
        visibility: 4, // GPUShaderStage.COMPUTE
        buffer: { type: readOnly ? "read-only-storage" : "storage" },
      }));
      if (hasParams)
        entries.unshift({ binding: 0, visibility: 4, buffer: { type: "uniform", hasDynamicOffset: true } });
      layout = this.device.createBindGroupLayout({ label: key, entries });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
