/** Lets the browser do what waits for this thread, such as a click or a frame, and goes on in a task of its own. */
export function breathe(): Promise<void> {
  if ("scheduler" in globalThis && "yield" in scheduler) return scheduler.yield();
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel(); // timers would wait, and longer in a hidden page
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
