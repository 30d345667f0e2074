/** The test of the visitor's GPU as a visitor meets it, on the software adapter of the browser that runs the tests. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { en } from "../../demo/i18n/en.js";
import { type Site, savedReport, startSite } from "./site.js";

/** A software adapter compiles some seconds for each kernel. */
const LIMIT = 300_000;

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

test("the quick test finds this adapter right, and saves what it found", { timeout: LIMIT }, async () => {
  const { page, complaints, requests } = await site.open("/?lang=en");
  const files = (pattern: RegExp) => [...new Set(requests.filter((path) => pattern.test(path)))];
  const workers = () => files(/\/worker-[^/]+\.js$/);
  const cases = () => files(/\/assets\/[^/]+\.safetensors$/);
  const button = page.getByRole("button", { name: en.gpuTest.quick, exact: true });
  await button.waitFor();
  await page.waitForLoadState("networkidle");
  const before = workers();
  expect(cases(), "loaded before it is wanted").toEqual([]);
  await button.click();
  await page.locator("gpu-test-report .verdict").waitFor({ timeout: LIMIT });
  const { adapter, checks, planned, speeds, browser, ...report } = await savedReport(page);

  expect(report).toMatchObject({ format: "webgpu-reformer GPU test 1", extent: "quick", state: "complete" });
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(checks.filter(({ part }) => part === "kernels")).toHaveLength(planned.kernels);
  expect(checks.filter(({ part }) => part === "cases")).toHaveLength(planned.cases);
  expect(planned.kernels).toBeGreaterThan(10);
  expect(planned.cases).toBeGreaterThan(0);
  // Rounding was compared, not copies: errors are there, and within their bounds.
  for (const name of ["matmul", "chunk-attention", "ff_02_gelu_chunked"]) {
    const { error = 0, bound = 0 } = checks.find((check) => check.name === name) ?? {};
    expect(error, name).toBeGreaterThan(0);
    expect(error, name).toBeLessThanOrEqual(bound);
  }
  expect(speeds.map(({ name }) => name)).toEqual(["matmul", "attention"]);
  for (const { value, samples } of speeds) {
    expect(value).toBeGreaterThan(0);
    expect(samples.every((milliseconds) => milliseconds > 0)).toBe(true);
  }
  expect(adapter?.software).toBe(true);
  expect(adapter?.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
  expect(browser.userAgent).toContain("Chrome");
  expect(complaints).toEqual([]);
  expect(workers().length, "its worker comes when it is wanted").toBe(before.length + 1);
  expect(cases().length).toBeGreaterThan(0);
  await page.context().close();
});
