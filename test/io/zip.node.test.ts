import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { concatBytes, textBytes } from "../../src/io/bytes.js";
import { zipParts } from "../../src/io/zip.js";

it("another program finds the zip sound and reads its files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "zip-"));
  try {
    const path = join(folder, "checkpoint.zip");
    await writeFile(path, concatBytes(zipParts(new Map([["a.txt", textBytes("hello")]]))));
    const script = `import zipfile; z = zipfile.ZipFile(${JSON.stringify(path)}); print(z.testzip(), z.read("a.txt"))`;
    const { stdout } = spawnSync("python3", ["-c", script], { encoding: "utf8" });
    expect(stdout.trim()).toBe("None b'hello'");
  } finally {
    await rm(folder, { recursive: true });
  }
});
