/** Looks for a GPU, and says why there is none. */

/** What an adapter allows of one buffer, in bytes. */
export interface BufferLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

export interface AdapterFound extends BufferLimits {
  readonly name: string;
  /** True for a software adapter: correct, but slow. */
  readonly fallback: boolean;
}
export type Missing = "insecure" | "noApi" | "noAdapter";

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|software/i;

/** Whether an adapter runs on the CPU, as some only tell by their names. */
export const isSoftware = ({
  isFallbackAdapter,
  vendor,
  architecture,
  description,
}: GPUAdapterInfo): boolean => isFallbackAdapter || SOFTWARE.test(`${vendor} ${architecture} ${description}`);

export async function findAdapter(): Promise<AdapterFound | Missing> {
  if (!isSecureContext) return "insecure";
  if (!navigator.gpu) return "noApi";
  const adapter = await navigator.gpu
    .requestAdapter({ powerPreference: "high-performance" })
    .catch(() => null);
  if (!adapter) return "noAdapter";
  const { vendor, architecture, description } = adapter.info;
  const name = description || [vendor, architecture].filter(Boolean).join(" ");
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  return { name, fallback: isSoftware(adapter.info), maxStorageBufferBindingSize, maxBufferSize };
}
