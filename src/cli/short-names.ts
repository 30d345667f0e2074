// Names in the shaders of builds: short ones, the same in all files, because forms of a kernel are put together from several.
// Names in lower case become short, and constants: the tables of the kernels know overrides by their names.

/** A word that is no attribute. */
const WORD = /(?<![\w@])[A-Za-z]\w*/g;
const DECLARED = /(?<!@)\b(?:(?:let|var|const|fn)\s|var<[^>]*>)\s*([a-z]\w*)/g;
const CONSTANT = /\bconst\s+([A-Z]\w*)/g;
const FUNCTION = /\bfn\s+([a-z]\w*)/g;
/** Of a parameter or a member of a struct. */
const TYPED = /[(,{]\s*(?:@\w+\s*(?:\([^)]*\))?\s*)*([a-z]\w*)\s*:/g;
const CALLED = /(?<![\w@])([a-z]\w*)\s*\(/g;
/** What the tables ask for by name, and what WGSL itself knows. */
const KEPT = [
  /@compute[^{;]*?\bfn\s+(\w+)/g,
  /\boverride\s+(\w+)/g,
  /@builtin\((\w+)\)/g,
  /\bvar<([^>]*)>/g,
  /\b(?:enable|requires|diagnostic)\b([^;]*)/g,
];
const SWIZZLE = /^([xyzw]{1,4}|[rgba]{1,4})$/;

const first = (source: string, pattern: RegExp): string[] =>
  Array.from(source.matchAll(pattern), ([, name = ""]) => name);

/** a … z, a0 … zZ: no keyword of WGSL is among them. */
function* candidates(): Generator<string> {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  yield* letters;
  for (const letter of letters) {
    for (const second of "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") yield letter + second;
  }
}

/**
 * Short names for those that shaders give to functions, values, parameters and members, the most frequent first.
 * @param sources all shaders, without comments
 */
export function shortNames(sources: readonly string[]): ReadonlyMap<string, string> {
  const source = sources.join("\n");
  const functions = new Set(first(source, FUNCTION));
  const kept = new Set(
    KEPT.flatMap((pattern) => first(source, pattern).flatMap((text) => text.match(/\w+/g) ?? [])),
  );
  // A value may have the name of a function of WGSL's that is called elsewhere.
  for (const name of first(source, CALLED)) if (!functions.has(name)) kept.add(name);
  kept.add("default");
  const counts = new Map<string, number>();
  for (const name of [DECLARED, CONSTANT, TYPED].flatMap((pattern) => first(source, pattern))) {
    if (!kept.has(name) && !SWIZZLE.test(name)) counts.set(name, 0);
  }
  const taken = new Set<string>();
  for (const [word] of source.matchAll(WORD)) {
    const count = counts.get(word);
    if (count === undefined) taken.add(word);
    else counts.set(word, count + 1);
  }
  const byFrequency = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const free = candidates();
  const names = new Map<string, string>();
  for (const [name] of byFrequency) {
    let next = free.next();
    while (!next.done && taken.has(next.value)) next = free.next();
    if (next.done) break; // the rarest ones stay long
    names.set(name, next.value);
  }
  return names;
}

/** A shader with other names. */
export function renamed(source: string, names: ReadonlyMap<string, string>): string {
  return source.replace(WORD, (word) => names.get(word) ?? word);
}
