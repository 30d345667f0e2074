// Errors across the worker boundary: same class, message and details on the other side.
import { ReformerError, reviveError } from "../errors.js";
import type { SentError } from "./protocol.js";

/** The plain form of anything thrown. */
export function sendError(thrown: unknown): SentError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    details: error instanceof ReformerError ? error.details : undefined,
  };
}

/** The error that was sent; other things thrown by a call (such as a DataCloneError of its arguments) stay as they are. */
export function receiveError(thrown: unknown): unknown {
  if (thrown instanceof Error || !isSentError(thrown)) return thrown;
  const { name, message, stack, details } = thrown;
  const error = details ? reviveError(name, message, details) : Object.assign(new Error(message), { name });
  if (stack) Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return error;
}

function isSentError(thrown: unknown): thrown is SentError {
  return typeof thrown === "object" && thrown !== null && "name" in thrown && "message" in thrown;
}
