import type { CheckpointDirectory } from "../../src/io/checkpoint-store.js";

/** Where in a file operation the power goes: before it, in the middle of a write, or just after it. */
export const MOMENTS = ["before", "during", "after"] as const;

/** A directory whose `failAt`-th change (from 0) ends the world: it and everything after it throws. */
export function faultyDirectory(
  inner: CheckpointDirectory,
  failAt: number,
  moment: (typeof MOMENTS)[number],
): CheckpointDirectory & { readonly changes: () => number } {
  let changes = 0;
  let dead = false;
  const change = async (whole: () => Promise<void>, half: () => Promise<void>): Promise<void> => {
    if (dead) throw new Error("power is off");
    if (changes++ !== failAt) return whole();
    dead = true;
    if (moment === "during") await half();
    if (moment === "after") await whole();
    throw new Error("power cut");
  };
  const nothing = async () => {};
  return {
    changes: () => changes,
    list: () => inner.list(),
    read: (path) => inner.read(path),
    lock: () => inner.lock(),
    write: (path, bytes) =>
      change(
        () => inner.write(path, bytes),
        () => inner.write(path, bytes.subarray(0, bytes.length >> 1)),
      ),
    rename: (from, to) => change(() => inner.rename(from, to), nothing), // one step: there is no middle
    remove: (path) => change(() => inner.remove(path), nothing),
  };
}
