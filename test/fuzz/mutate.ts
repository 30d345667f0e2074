// Random damage to files.
import type { Random } from "../../src/random.js";

/** What JSON, pickles and zip files are made of: pieces of one land inside another. */
const PIECES = [
  ...['"', "{", "}", "[", "]", ",", ":", "-", "0", "9", "e", "\\", "null", "true", "1e99", "99999999999"],
  ...["F32", "F16", '"a":', "__metadata__", "__proto__", "constructor", "vocab", "merges", '"type"', "NaN"],
  ...[
    "\u0000",
    "\u0080",
    "\u00ff",
    "PK\u0003\u0004",
    "cbuiltins\neval\n",
    "ctorch\nFloatStorage\n",
    "\u008c\u0002os\u008c\u0006system\u0093",
    "\u008c\u0005torch\u008c\u000cFloatStorage\u0093\u0094",
    "\u0095\u0009\u0000\u0000\u0000\u0000\u0000\u0000\u0000",
    "h\u0000",
    "\u0093",
    "\u0094",
    "(",
    "t",
    "R",
    ".",
  ],
].map((piece) => Uint8Array.from(piece, (c) => c.charCodeAt(0)));

/** One to four random changes: a flipped bit, a changed, removed or inserted piece, a cut, another number in the first bytes. */
export function mutate(random: Random, seed: Uint8Array): Uint8Array<ArrayBuffer> {
  let bytes = [...seed];
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(bytes.length + 1);
    const piece = PIECES[random.below(PIECES.length)] as Uint8Array;
    switch (random.below(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        break;
      case 1:
        bytes.splice(at, piece.length, ...piece);
        break;
      case 2:
        bytes.splice(at, random.below(8));
        break;
      case 3:
        bytes.splice(at, 0, ...piece);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      default:
        // Keeps the length that safetensors begin with true to the change, so that the checks behind it are reached.
        if (bytes.length >= 8) bytes[0] = ((bytes[0] as number) + (bytes.length - seed.length)) & 255;
    }
  }
  return Uint8Array.from(bytes);
}
