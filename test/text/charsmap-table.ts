// Tables of replacements as SentencePiece stores them, made the simple way: 256 places for every node of the trie.

/** In base64. */
export function charsmapTable(rules: Readonly<Record<string, string>>): string {
  const encoder = new TextEncoder();
  const units: number[] = [];
  const bases = new Map<string, number>();
  const baseOf = (path: string): number => {
    const known = bases.get(path);
    if (known !== undefined) return known;
    const base = 256 * (bases.size + 1);
    bases.set(path, base);
    return base;
  };
  const link = (place: number, path: string) => {
    units[place] = (units[place] ?? 0) | ((place ^ baseOf(path)) << 10);
  };
  link(0, "");
  let replacements = "";
  for (const [key, value] of Object.entries(rules)) {
    let path = "";
    let place = 0;
    for (const byte of encoder.encode(key)) {
      place = baseOf(path) + byte;
      path += `${byte} `;
      if (units[place] === undefined) {
        units[place] = byte;
        link(place, path);
      }
    }
    units[place] = (units[place] ?? 0) | (1 << 8);
    units[baseOf(path)] = encoder.encode(replacements).length | (1 << 31);
    replacements += `${value}\0`;
  }
  const size = 256 * (bases.size + 1);
  const words = Uint32Array.from({ length: size + 1 }, (_, i) => (i === 0 ? 4 * size : (units[i - 1] ?? 0)));
  const bytes = [...new Uint8Array(words.buffer), ...encoder.encode(replacements)];
  return btoa(bytes.map((byte) => String.fromCharCode(byte)).join(""));
}
