// General compressors on the same held-out text: what it costs them after they have read the training part.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

type Compressor = (bytes: Buffer) => Promise<number>;

const WINDOW = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 } };

/** Bytes that the program `bzip2` makes of others; it is on most Unix systems. */
const bzip2: Compressor = (bytes) =>
  new Promise((resolve, reject) => {
    const options = { encoding: "buffer", maxBuffer: 2 ** 28 } as const;
    const child = execFile("bzip2", ["-9", "-c"], options, (error, out) =>
      error ? reject(error) : resolve(out.length),
    );
    child.stdin?.on("error", reject);
    child.stdin?.end(bytes);
  });

const COMPRESSORS: Readonly<Record<string, Compressor>> = {
  bzip2,
  brotli: async (bytes) => (await promisify(brotliCompress)(bytes, WINDOW)).length,
  gzip: async (bytes) => (await promisify(gzip)(bytes, { level: 9 })).length,
};

export interface Compressed {
  readonly compressor: string;
  /** Bits per character of the held-out text alone. */
  readonly alone: number;
  /** What the held-out text adds to the training text: (both − training) / characters. */
  readonly afterTraining: number;
}

/** One row per compressor that this machine has. */
export async function compressors(train: string, heldOut: string): Promise<Compressed[]> {
  const rows: Compressed[] = [];
  const [before, after] = [Buffer.from(train), Buffer.from(heldOut)];
  for (const [compressor, size] of Object.entries(COMPRESSORS)) {
    try {
      const [alone, trained, both] = await Promise.all(
        [after, before, Buffer.concat([before, after])].map(size),
      );
      const bits = (bytes = 0) => (8 * bytes) / heldOut.length;
      rows.push({ compressor, alone: bits(alone), afterTraining: bits(both) - bits(trained) });
    } catch (error) {
      console.log(`${compressor} is left out: ${(error as Error).message}`);
    }
  }
  return rows;
}
