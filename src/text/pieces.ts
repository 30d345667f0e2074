// A long text in pieces for a tokenizer that takes short ones, so that the pieces give what the whole would: each goes in
// with some characters of what is before and after it, and what those give is taken off again. So a piece inside a text
// gets no space in front, for one, where the tokenizer puts one before whatever it gets.
import { characterBoundary } from "./tokenizer.js";

/** What a model gets as one: a text, or the id of an added token. */
export type Unit = string | number;
/** How a text is read. */
export interface Reading {
  /** Takes at most LONGEST_PIECE + 2 · CONTEXT. */
  readonly unitsOf: (text: string) => readonly Unit[];
  readonly idsOf: (unit: Unit) => readonly (number | undefined)[];
}

export interface Piece {
  /** Where it ends, UTF-16 units. */
  readonly end: number;
  readonly units: readonly Unit[];
  /** Its first unit goes on with the last of the piece before. */
  readonly continues: boolean;
}

/** UTF-16 units per piece: some 20 ms. */
const PIECE = 8192;
/** Without a space to cut at, a piece grows to this. */
const LONGEST_PIECE = 65_536;
/** UTF-16 units that go in on either side of a piece. */
const CONTEXT = 32;
/** How many places are tried, for a cut between two units. */
const SPACES_TRIED = 16;
const PLACES_TRIED = 256;

/** The pieces of a text. */
export function* piecesOf(text: string, reading: Reading): Generator<Piece, undefined> {
  const { unitsOf } = reading;
  let begin: Cut = EDGE;
  while (begin.at < text.length) {
    const end = nextCut(text, begin.at, reading);
    const piece = text.slice(begin.at, end.at);
    const all = unitsOf(begin.before + piece + end.after);
    const inner = withoutFront(all, begin.front);
    const units = inner && withoutTail(inner.units, end.tail);
    yield { end: end.at, units: units ?? unitsOf(piece), continues: begin.inside };
    begin = end;
  }
}

/** A place to cut at, the text beside it, and the units of that. */
interface Cut {
  readonly at: number;
  readonly before: string;
  readonly after: string;
  readonly front: readonly Unit[];
  readonly tail: readonly Unit[];
  /** Whether it goes through a unit. */
  readonly inside: boolean;
  /** Whether it goes through a token of one. */
  readonly joined: boolean;
}

/** With nothing beside it, as at either end of a text. */
const EDGE: Cut = { at: 0, before: "", after: "", front: [], tail: [], inside: false, joined: false };

/**
 * The end of a piece: before a single space between two other characters, as soon as there is one, or else near the
 * largest size; where there is a choice, between two units, or two tokens of one.
 */
function nextCut(text: string, start: number, reading: Reading): Cut {
  const end: Cut = { ...EDGE, at: text.length };
  if (text.length - start <= PIECE) return end;
  const last = Math.min(start + LONGEST_PIECE, text.length);
  const atSpace = bestCut(text, singleSpaces(text, start + PIECE, last), SPACES_TRIED, reading);
  if (atSpace || last === text.length) return atSpace ?? end;
  return (
    bestCut(text, placesBefore(text, last), PLACES_TRIED, reading) ?? {
      ...EDGE,
      at: characterBoundary(text, last),
    }
  );
}

function* singleSpaces(text: string, from: number, end: number): Generator<number, undefined> {
  for (let at = text.indexOf(" ", from); at >= 0 && at < end; at = text.indexOf(" ", at + 1)) {
    if (/^\S \S$/.test(text.slice(at - 1, at + 2))) yield at;
  }
}

function* placesBefore(text: string, end: number): Generator<number, undefined> {
  for (let at = end; ; at--) if (characterBoundary(text, at) === at) yield at;
}

/** The first of some places that goes through no token, or else the first that the text can be cut at. */
function bestCut(text: string, places: Iterable<number>, tries: number, reading: Reading): Cut | undefined {
  let joined: Cut | undefined;
  let tried = 0;
  for (const at of places) {
    const cut = cutAt(text, at, reading);
    if (cut?.joined === false) return cut;
    joined ??= cut;
    if (++tried === tries) break;
  }
  return joined;
}

/** Undefined where what comes before is read otherwise with what comes after. */
function cutAt(text: string, at: number, { unitsOf, idsOf }: Reading): Cut | undefined {
  const before = text.slice(characterBoundary(text, Math.max(0, at - CONTEXT)), at);
  const after = text.slice(at, characterBoundary(text, Math.min(at + CONTEXT, text.length)));
  const front = unitsOf(before);
  const rest = withoutFront(unitsOf(before + after), front);
  if (!rest) return undefined;
  const [left, right] = [front.at(-1), rest.units[0]];
  const joined =
    rest.inside &&
    [...idsOf(left as Unit), ...idsOf(right as Unit)].join() !== idsOf(`${left}${right}`).join();
  return { at, before, after, front, tail: rest.units, inside: rest.inside, joined };
}

/** What follows some units, and whether the last of them goes on in it; undefined where others are at the front. */
function withoutFront(
  units: readonly Unit[],
  front: readonly Unit[],
): { readonly units: readonly Unit[]; readonly inside: boolean } | undefined {
  const last = front.length - 1;
  if (last < 0) return { units, inside: false };
  if (front.some((unit, i) => i < last && unit !== units[i])) return undefined;
  const [unit, shared] = [units[last], front[last]];
  const rest = units.slice(last + 1);
  if (unit === shared) return { units: rest, inside: false };
  if (typeof unit !== "string" || typeof shared !== "string" || !unit.startsWith(shared)) return undefined;
  return { units: [unit.slice(shared.length), ...rest], inside: true };
}

function withoutTail(units: readonly Unit[], tail: readonly Unit[]): readonly Unit[] | undefined {
  const first = units.length - tail.length;
  if (tail.length === 0) return units;
  if (tail.some((unit, i) => i > 0 && unit !== units[first + i])) return undefined;
  const [unit, shared] = [units[first], tail[0]];
  const rest = units.slice(0, Math.max(0, first));
  if (unit === shared) return rest;
  if (typeof unit !== "string" || typeof shared !== "string" || !unit.endsWith(shared)) return undefined;
  return [...rest, unit.slice(0, -shared.length)];
}
