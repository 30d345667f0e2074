// Lets a producer run ahead of a slow consumer, but not far.

type Item<T> = { readonly value: T } | { readonly error: unknown };

export interface AheadIterator<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** Lets the item in progress finish, ends the source and resolves then. */
  stop(): Promise<void>;
}

/**
 * An iterator that holds at most `ahead` finished items of `source` which nobody has asked for yet. The source starts
 * with the first `next()`. An error comes after the items that were before it.
 */
export function readAhead<T>(source: AsyncIterable<T>, ahead: number): AheadIterator<T> {
  let reader: ReadableStreamDefaultReader<Item<T>> | undefined;

  const start = () => {
    const iterator = source[Symbol.asyncIterator]();
    const pull = async (controller: ReadableStreamDefaultController<Item<T>>) => {
      const item = await iterator.next().then(
        ({ done, value }): Item<T> | undefined => (done ? undefined : { value }),
        (error: unknown): Item<T> => ({ error }),
      );
      if (item) controller.enqueue(item);
      if (!item || "error" in item) controller.close();
    };
    const cancel = async () => {
      await iterator.return?.();
    };
    const stream = new ReadableStream<Item<T>>(
      { pull, cancel },
      new CountQueuingStrategy({ highWaterMark: ahead }),
    );
    return stream.getReader();
  };

  return {
    async next() {
      reader ??= start();
      const { done, value: item } = await reader.read();
      if (done) return { done, value: undefined };
      if ("error" in item) throw item.error;
      return { done: false, value: item.value };
    },
    async stop() {
      reader ??= start();
      await reader.cancel();
    },
  };
}
