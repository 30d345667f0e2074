import { expect, test } from "vitest";
import { halve } from "../../src/kernels/stream.js";
import { DEFAULT_LIMITS, plan } from "../../src/scheduler/plan.js";
import { Recording } from "../../src/scheduler/recording.js";

test("a copy between transient tensors is between two buffers: WebGPU copies nothing within one", () => {
  const recording = new Recording();
  const count = 64;
  const from = recording.tensor("from", [count]);
  const to = recording.tensor("to", [count]);
  for (const values of [from, to]) recording.dispatch(halve, { count }, { values });
  recording.copy(from, to);
  const planned = plan([recording], DEFAULT_LIMITS);
  expect(planned.place(from).buffer).not.toBe(planned.place(to).buffer);
});
