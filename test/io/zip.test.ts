import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.js";
import { concatBytes, textBytes } from "../../src/io/bytes.js";
import { crc32 } from "../../src/io/crc32.js";
import { readZip, zipParts } from "../../src/io/zip.js";

const FILES = new Map([
  ["a.txt", textBytes("hello")],
  ["b.bin", new Uint8Array(0)],
]);
const whole = () => concatBytes(zipParts(FILES));

/** The zip with one little-endian field changed; `from` counts from a signature's first or last appearance. */
function changed(signature: number, at: number, value: number, bytes: 2 | 4 = 2): Uint8Array {
  const zip = whole();
  const view = new DataView(zip.buffer);
  let start = 0;
  while (view.getUint32(start, true) !== signature) start++;
  if (bytes === 2) view.setUint16(start + at, value, true);
  else view.setUint32(start + at, value, true);
  return zip;
}
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

describe("crc32", () => {
  it("has the check value of its specification", () =>
    expect(crc32(textBytes("123456789"))).toBe(0xcbf43926));
});

describe("readZip", () => {
  it("reads what zipParts wrote, with and without a comment at the end", () => {
    expect(readZip(whole())).toEqual(FILES);
    expect(readZip(concatBytes([changed(END, 20, 3), textBytes("abc")]))).toEqual(FILES);
    expect(readZip(concatBytes(zipParts(new Map())))).toEqual(new Map());
  });

  const named = (name: string) => concatBytes(zipParts(new Map([[name, textBytes("x")]])));
  const twice = () => {
    const zip = concatBytes(
      zipParts(
        new Map([
          ["a.txt", textBytes("1")],
          ["b.txt", textBytes("2")],
        ]),
      ),
    );
    for (let at = 0; at < zip.length; at++) if (zip[at] === 0x62 && zip[at + 1] === 0x2e) zip[at] = 0x61;
    return zip;
  };
  it.each<[why: string, zip: Uint8Array, message: string]>([
    ["nothing", new Uint8Array(0), "do not end as a zip"],
    ["text", textBytes("this is no zip file but long enough to be one"), "do not end as a zip"],
    ["a cut file", whole().subarray(0, -5), "do not end as a zip"],
    [
      "garbage before the directory's end",
      concatBytes([whole().subarray(0, -22), Uint8Array.of(0), whole().subarray(-22)]),
      "directory",
    ],
    ["compressed", changed(CENTRAL, 10, 8), "a.txt is compressed"],
    ["encrypted", changed(CENTRAL, 8, 1), "a.txt is encrypted"],
    ["split", changed(END, 4, 1), "split"],
    ["a wrong checksum", changed(CENTRAL, 16, 1, 4), "a.txt is damaged"],
    ["a size beyond the file", changed(CENTRAL, 24, 0xffffffff, 4), "two different sizes"],
    ["an offset beyond the file", changed(CENTRAL, 42, 0xfffffff0, 4), "does not begin where"],
    ["no local header", changed(LOCAL, 0, 0), "does not begin where"],
    ["a local name that runs on", changed(LOCAL, 26, 0xffff), "runs into the directory"],
    [
      "more entries than there are",
      (() => {
        const zip = changed(END, 8, 3);
        new DataView(zip.buffer).setUint16(zip.length - 12, 3, true);
        return zip;
      })(),
      "entry 3 of 3 is missing",
    ],
    [
      "fewer entries than there are",
      (() => {
        const zip = changed(END, 8, 1);
        new DataView(zip.buffer).setUint16(zip.length - 12, 1, true);
        return zip;
      })(),
      "longer than its entries",
    ],
    ["an entry name beyond the directory", changed(CENTRAL, 28, 0xfff0), "runs beyond"],
    ["a path upwards", named("../a"), "not a plain file name"],
    ["an absolute path", named("/a"), "not a plain file name"],
    ["a folder", named("a/"), "not a plain file name"],
    ["two files of one name", twice(), "a.txt twice"],
    [
      "overlapping files",
      (() => {
        const zip = whole();
        const view = new DataView(zip.buffer);
        view.setUint32(view.getUint32(zip.length - 6, true) + 46 + 5 + 42, 0, true);
        return zip;
      })(),
      "b.bin does not begin where",
    ],
  ])("refuses %s", (_why, zip, message) => {
    expect(() => readZip(zip)).toThrow(message);
    expect(() => readZip(zip)).toThrow(CheckpointError);
  });
});
