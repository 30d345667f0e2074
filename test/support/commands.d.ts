import "vitest/browser";

declare module "vitest/browser" {
  interface BrowserCommands {
    /** Kills Chrome's GPU process, as a driver crash would (vite.config.ts). */
    gpuCrash: () => Promise<void>;
  }
}
