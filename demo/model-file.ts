/** A model as one file: an uncompressed ustar archive of its files. Parts are referred to, not copied. */
import type { ModelFiles } from "./runtime.js";
import { PageError } from "./text-source.js";

const BLOCK = 512;
const encoder = new TextEncoder();

function header(name: string, size: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => block.set(encoder.encode(text), at);
  const octal = (value: number, width: number) => value.toString(8).padStart(width, "0");
  put(name, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(`${octal(size, 11)}\0`, 124);
  put(`${octal(Math.floor(Date.now() / 1000), 11)}\0`, 136);
  put("        ", 148); // the checksum counts its own field as spaces
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}

export function packModel(files: ModelFiles): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const [name, content] of Object.entries(files)) {
    parts.push(header(name, content.byteLength), content);
    parts.push(new Uint8Array((BLOCK - (content.byteLength % BLOCK)) % BLOCK));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: "application/x-tar" });
}

const read = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());

async function unpack(archive: File): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const field = (block: Uint8Array, from: number, length: number) =>
    new TextDecoder()
      .decode(block.subarray(from, from + length))
      .replace(/\0.*$/s, "")
      .trim();
  for (let at = 0; at + BLOCK <= archive.size; ) {
    const block = await read(archive.slice(at, at + BLOCK));
    const name = field(block, 0, 100);
    if (name === "") break;
    const size = Number.parseInt(field(block, 124, 12), 8);
    if (!Number.isFinite(size) || at + BLOCK + size > archive.size) break;
    files[name.replace(/^.*\//, "")] = await read(archive.slice(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** Whether it is the part of a model that holds its weights. */
export const isModelFile = (file: File): boolean => /\.(tar|safetensors)$/i.test(file.name);

/**
 * The files of a model that a visitor chose: an archive, or the files themselves.
 * @throws PageError where they hold no model
 */
export async function readModelFiles(chosen: readonly File[]): Promise<ModelFiles> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const file of chosen) {
    if (/\.tar$/i.test(file.name)) Object.assign(files, await unpack(file));
    else files[file.name] = await read(file);
  }
  const names = Object.keys(files);
  if (!names.includes("config.json") || !names.some((name) => name.endsWith(".safetensors"))) {
    throw new PageError("notModel", chosen.map((file) => file.name).join(", "));
  }
  return files;
}

/** Offers a file to keep. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download must have begun
}
