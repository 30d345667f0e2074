// Zip files whose entries are stored, not compressed: weights do not compress, and any unzip program reads them.
// Source: PKWARE APPNOTE 6.3. Reading trusts the central directory and refuses whatever this library never writes; the
// only extra is the 64-bit end record that PyTorch adds to zips of every size, which must repeat what the plain one says.
import { CheckpointError } from "../errors.js";
import { textBytes } from "./bytes.js";
import { crc32 } from "./crc32.js";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END_64_BYTES = 56;
const LOCATOR_64_BYTES = 20;
const VERSION = 20; // 2.0
const UTF8_NAMES = 0x0800;
const DATE = 0x21; // 1 January 1980, the earliest there is: the same files always give the same zip
const MAX_COMMENT = 0xffff;
const MAX_BYTES = 0xffffffff;
const MAX_FILES = 0xfffe;

/**
 * A zip file in pieces (`new Blob(parts)` makes a download without copying the data).
 * @throws CheckpointError beyond 4 GiB or 65,534 files, which plain zip cannot hold
 */
export function zipParts(files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let end = 0;
  const put = (part: Uint8Array) => {
    parts.push(part as Uint8Array<ArrayBuffer>);
    end += part.length;
  };
  for (const [name, bytes] of files) {
    const path = textBytes(name);
    const offset = end;
    const common: Fields = [
      [2, VERSION],
      [2, UTF8_NAMES],
      [2, 0], // stored
      [2, 0], // midnight
      [2, DATE],
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, path.length],
      [2, 0], // no extra field
    ];
    put(record([[4, LOCAL], ...common]));
    put(path);
    put(bytes);
    directory.push(
      record([[4, CENTRAL], [2, VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      path,
    );
    if (end > MAX_BYTES || files.size > MAX_FILES) {
      throw new CheckpointError(
        "The checkpoint is too large for a zip file (4 GiB): save it to a folder instead.",
      );
    }
  }
  const start = end;
  for (const part of directory) put(part);
  put(
    record([
      [4, END],
      [2, 0],
      [2, 0],
      [2, files.size],
      [2, files.size],
      [4, end - start],
      [4, start],
      [2, 0],
    ]),
  );
  return parts;
}

type Fields = readonly (readonly [bytes: 2 | 4, value: number])[];

function record(fields: Fields): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

/** What a reader of zip files expects of them. */
export interface ZipRules {
  /** Whether an entry may have this name. */
  readonly isName: (name: string) => boolean;
  /** The file's name and what to do, for messages. */
  readonly file: string;
  readonly advice: string;
}

const OWN_RULES: ZipRules = {
  isName: isPlainName,
  file: "The zip file",
  advice: "Choose a checkpoint that this library saved.",
};

/**
 * The files of a stored zip, as views of its bytes, checked against their CRC.
 * @throws CheckpointError for a damaged, compressed, encrypted, split or oversized zip, and for names against the rules
 */
export function readZip(bytes: Uint8Array, rules: ZipRules = OWN_RULES): Map<string, Uint8Array> {
  const refuse: Refuse = (problem, file) => {
    throw new CheckpointError(
      `${rules.file} cannot be read: ${problem}. ${rules.advice}`,
      file === undefined ? {} : { file },
    );
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = findEnd(view, refuse);
  const count = view.getUint16(found + 10, true);
  const start = view.getUint32(found + 16, true);
  if (view.getUint32(found + 4, true) !== 0 || view.getUint16(found + 8, true) !== count)
    refuse("it is split into several disks");
  const end = directoryEnd(view, found, refuse);
  if (start + view.getUint32(found + 12, true) !== end) refuse("its directory does not end where it should");
  const files = new Map<string, Uint8Array>();
  let at = start;
  let dataEnd = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== CENTRAL)
      refuse(`entry ${i + 1} of ${count} is missing`);
    const nameLength = view.getUint16(at + 28, true);
    const next =
      at + CENTRAL_BYTES + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) refuse(`entry ${i + 1} of ${count} runs beyond the directory`);
    const name = readName(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameLength), rules, refuse);
    if (files.has(name)) refuse(`it holds ${name} twice`);
    if (view.getUint16(at + 8, true) & 1) refuse(`${name} is encrypted`);
    if (view.getUint16(at + 10, true) !== 0)
      refuse(`${name} is compressed; zip it with "store only" (zip -0)`);
    const size = view.getUint32(at + 24, true);
    const offset = view.getUint32(at + 42, true);
    if (view.getUint32(at + 20, true) !== size) refuse(`${name} has two different sizes`);
    if (offset < dataEnd || offset + LOCAL_BYTES > start || view.getUint32(offset, true) !== LOCAL) {
      refuse(`${name} does not begin where the directory says`);
    }
    const data = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
    dataEnd = data + size;
    if (dataEnd > start) refuse(`${name} runs into the directory`);
    const content = new Uint8Array(bytes.buffer, bytes.byteOffset + data, size);
    if (crc32(content) !== view.getUint32(at + 16, true))
      refuse(`${name} is damaged (its checksum differs)`, name);
    files.set(name, content);
    at = next;
  }
  if (at !== end) refuse("its directory is longer than its entries");
  return files;
}

type Refuse = (problem: string, file?: string) => never;

function findEnd(view: DataView, refuse: Refuse): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT); at--) {
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at;
  }
  return refuse(`its ${view.byteLength} bytes do not end as a zip file does`);
}

/** Where the directory ends: at the end record, or at the 64-bit one before it. */
function directoryEnd(view: DataView, found: number, refuse: Refuse): number {
  const locator = found - LOCATOR_64_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR_64) return found;
  const record = locator - END_64_BYTES;
  const same =
    record >= 0 &&
    view.getUint32(record, true) === END_64 &&
    view.getBigUint64(locator + 8, true) === BigInt(record) &&
    view.getBigUint64(record + 32, true) === BigInt(view.getUint16(found + 10, true)) &&
    view.getBigUint64(record + 40, true) === BigInt(view.getUint32(found + 12, true)) &&
    view.getBigUint64(record + 48, true) === BigInt(view.getUint32(found + 16, true));
  if (!same) refuse("its 64-bit end record does not fit its plain one (files above 4 GiB are not read)");
  return record;
}

function readName(bytes: Uint8Array, { isName }: ZipRules, refuse: Refuse): string {
  let name = "";
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    refuse("a file name in it is not UTF-8");
  }
  if (!isName(name)) refuse(`it holds ${JSON.stringify(name)}, which is not a plain file name`);
  return name;
}

/** Whether a name is one file in one folder on every system: no path, nothing hidden, nothing special. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name);
}
