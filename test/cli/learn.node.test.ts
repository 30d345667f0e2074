// What `npm run learn` takes.
import { expect, test, vi } from "vitest";
import { main } from "../../src/cli/learn.js";

test.each([
  [["book", "--variant", "full, 512 tokens"]],
  [["mail", "dates", "--variant", "full, 512 tokens"]],
  [["--variant", "full, 512 tokens"]],
])("%j: only mail has variants, and nothing is run before that is said", async (args) => {
  const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const signal = AbortSignal.abort();
  expect(await main(args, { signal })).toBe(2);
  expect(said.mock.lastCall?.[0]).toContain('mail --variant "full, 512 tokens"');
  said.mockRestore();
});

test("a variant that is not one of mail's is refused with the list", async () => {
  const run = main(["mail", "--variant", "fuller"], { signal: AbortSignal.abort() });
  await expect(run).rejects.toThrow(/No variant "fuller": needed is one of .*full, 512 tokens/);
});
