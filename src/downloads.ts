/** Removes every model file that `Reformer.load` kept in this browser; models that are open are not affected. */
export async function clearDownloads(): Promise<void> {
  const { openModelCache } = await import("./io/model-cache.js");
  await (await openModelCache())?.clear();
}
