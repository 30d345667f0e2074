/**
 * The first key that occurs twice in one object of a JSON text, which JSON.parse would silently drop.
 * @param json valid JSON: this only looks for strings and brackets
 */
export function duplicateKey(json: string): string | undefined {
  const open: (Set<string> | null)[] = []; // keys of each enclosing object; null for an array
  let previous = ""; // the last character that is neither white space nor inside a string
  for (let at = 0; at < json.length; at++) {
    const character = json[at] as string;
    if (character === '"') {
      const end = stringEnd(json, at);
      const keys = open.at(-1);
      if (keys && (previous === "{" || previous === ",")) {
        const key = JSON.parse(json.slice(at, end + 1)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end;
    } else if (character === "{") open.push(new Set());
    else if (character === "[") open.push(null);
    else if (character === "}" || character === "]") open.pop();
    if (character > " ") previous = character;
  }
  return undefined;
}

/** Where the string that opens at `start` closes: the next quote after an even number of backslashes. */
function stringEnd(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}
