// Every error this library throws on purpose. `name` and `details` survive structured cloning, so a worker's error
// can be rebuilt as the same class on the page. Messages say what was given, what was needed and what to do.

/** JSON-safe facts about an error, for programs rather than people. */
export type ErrorDetails = Readonly<
  Record<string, string | number | boolean | null | readonly (string | number)[]>
>;

/** Base class of all errors of this library. */
export class ReformerError extends Error {
  override readonly name: string = "ReformerError";
  constructor(
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }
}

/** This browser, page or machine offers no usable WebGPU adapter. */
export class WebGPUUnavailableError extends ReformerError {
  override readonly name = "WebGPUUnavailableError";
}

/** The GPU device went away (driver reset, crash, eviction); its buffers are gone. */
export class DeviceLostError extends ReformerError {
  override readonly name = "DeviceLostError";
}

/** An allocation was refused, or a plan does not fit the adapter's limits. */
export class GpuOutOfMemoryError extends ReformerError {
  override readonly name = "GpuOutOfMemoryError";
}

/** A WGSL module or pipeline did not compile on this adapter. */
export class ShaderCompileError extends ReformerError {
  override readonly name = "ShaderCompileError";
}

/** The adapter computes something wrongly in every form there is of it: nothing can be trained or written on it. */
export class SelfTestError extends ReformerError {
  override readonly name = "SelfTestError";
}

/** An array, tensor or text has the wrong shape, type or length. */
export class ShapeError extends ReformerError {
  override readonly name = "ShapeError";
}

/** A configuration field or option is missing, out of range or contradicts another. */
export class ConfigError extends ReformerError {
  override readonly name = "ConfigError";
}

/** A checkpoint or model file is damaged, incomplete or does not fit the model. */
export class CheckpointError extends ReformerError {
  override readonly name = "CheckpointError";
}

/** A file could not be downloaded. `details` has its url, the HTTP status (0: no answer) and a reason. */
export class DownloadError extends ReformerError {
  override readonly name = "DownloadError";
}

/** A text is empty, too short or cannot be encoded. */
export class TextError extends ReformerError {
  override readonly name = "TextError";
}

/** Training met NaN, infinity or fixed-point overflow; the last good checkpoint is kept. */
export class DivergedError extends ReformerError {
  override readonly name = "DivergedError";
}

/** Another tab or process is already writing this checkpoint. */
export class LockedError extends ReformerError {
  override readonly name = "LockedError";
}

/** The worker that ran the engine ended before it answered. */
export class WorkerDiedError extends ReformerError {
  override readonly name = "WorkerDiedError";
}

/** The object was used after `dispose()`. */
export class DisposedError extends ReformerError {
  override readonly name = "DisposedError";
}

const CLASSES = {
  ReformerError,
  WebGPUUnavailableError,
  DeviceLostError,
  GpuOutOfMemoryError,
  ShaderCompileError,
  SelfTestError,
  ShapeError,
  ConfigError,
  CheckpointError,
  DownloadError,
  TextError,
  DivergedError,
  LockedError,
  WorkerDiedError,
  DisposedError,
} as const;

/** Rebuilds an error of this library from its cloned name, message and details. */
export function reviveError(name: string, message: string, details: ErrorDetails): ReformerError {
  const found = CLASSES[name as keyof typeof CLASSES];
  return found ? new found(message, details) : new ReformerError(message, details);
}
