// Which of its hand-written forms a kernel runs in.
import { ConfigError } from "../errors.js";
import type { Dims, Kernel, Variant } from "../gpu/kernel.js";

/** What of a device, and of what is known of it, decides between forms. */
export interface FormProfile {
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly features: ReadonlySet<string>;
  /** The adapter is a CPU: forms made for software come first. */
  readonly software?: boolean;
  /** Invocations of its smallest subgroups; absent where it does not say. */
  readonly subgroupMinSize?: number;
  /** Rows and columns of its subgroup matrices of halves that are summed in f32; none where there are none. */
  readonly matrixSides?: readonly number[];
  /** Variant to use per kernel name, or several, the first that suits the dims; else the first that suits the device. */
  readonly variants?: Readonly<Record<string, string | readonly string[]>>;
  /** The variant by `tuningKey` that was found fastest on this device. Stronger than `variants`. */
  readonly tuned?: Readonly<Record<string, string>>;
  /** Forms that compute wrongly on this device, as `formName` has them: never used. */
  readonly broken?: ReadonlySet<string>;
}

/** How a variant is told apart from those of all kernels. */
export const formName = (kernel: Pick<Kernel<Dims>, "name">, variant: Pick<Variant<Dims>, "name">): string =>
  `${kernel.name}/${variant.name}`;

/** The variants that the device and these dims allow. */
export function usableVariants(kernel: Kernel<Dims>, dims: Dims, profile: FormProfile): Variant<Dims>[] {
  return kernel.variants.filter((variant) => {
    const { requires, supports } = variant;
    return (
      !profile.broken?.has(formName(kernel, variant)) &&
      (!requires?.feature || profile.features.has(requires.feature)) &&
      (requires?.workgroupStorage ?? 0) <= profile.maxComputeWorkgroupStorageSize &&
      (requires?.invocations ?? 0) <= profile.maxComputeInvocationsPerWorkgroup &&
      (!requires?.matrixSide || profile.matrixSides?.includes(requires.matrixSide)) &&
      (supports?.(dims) ?? true)
    );
  });
}

/** Under what `FormProfile.tuned` names the variant of these dims; undefined where the kernel is never tuned. */
export function tuningKey({ name, shapeClass }: Kernel<Dims>, dims: Dims): string | undefined {
  return shapeClass && `${name} ${shapeClass(dims)}`;
}

/**
 * The wanted variant, else the first one that suits the device and the dims, else one that suits the dims, else any that
 * works. One that rounds is taken unasked only where no exact one works.
 * @throws {ConfigError} where none works
 */
export function chooseVariant(kernel: Kernel<Dims>, dims: Dims, profile: FormProfile): Variant<Dims> {
  const usable = usableVariants(kernel, dims, profile);
  const key = tuningKey(kernel, dims);
  const wanted = [(key && profile.tuned?.[key]) ?? profile.variants?.[kernel.name] ?? []].flat();
  const named = wanted.flatMap((name) => usable.filter((v) => v.name === name));
  const exact = usable.filter(({ rounds = false }) => !rounds);
  const suitsDims = ({ suits }: Variant<Dims>) => suits?.(dims) ?? true;
  const { software: onCpu = false, subgroupMinSize = 0 } = profile;
  const suitsDevice = ({ software = false, subgroupSize = 0 }: Variant<Dims>) =>
    software === onCpu && subgroupSize <= subgroupMinSize;
  const chosen =
    named.find(suitsDims) ??
    named[0] ??
    exact.filter(suitsDevice).find(suitsDims) ??
    exact.find(suitsDims) ??
    exact[0] ??
    usable[0];
  if (!chosen)
    throw new ConfigError(`no variant of ${kernel.name} serves ${JSON.stringify(dims)} on this device`);
  return chosen;
}
