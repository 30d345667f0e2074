/**
 * Settings as a link: what differs from a preset, and how to write where that is not the default, stands in the page's
 * address, and a shared address sets them.
 */
import { MIXES, PRESETS, type Preset, presetSettings, rangeOf, type Settings } from "./settings.js";

import { WRITING, WRITING_RANGES, type WritingNumber, type WritingSettings } from "./writing-settings.js";

type Field = Exclude<keyof Settings, "preset">;

const CHOICES: Readonly<Partial<Record<Field, readonly string[]>>> = {
  mix: MIXES,
  optimizer: ["adamw", "adafactor"],
  backward: ["reversible", "stored"],
  tokenizer: ["bytes", "bpe"],
};
/** Fields that are whole numbers. */
const isWhole = (field: Field) => field !== "learningRate";

/** Names the preset that the other parameters differ from. */
const BASE = "preset";

const fieldsOf = (settings: Settings) => Object.keys(settings).filter((key): key is Field => key !== BASE);

/** What a parameter means for its field; undefined where it is none of the field's values. */
function parse(field: Field, given: string): string | number | undefined {
  const choices = CHOICES[field];
  if (choices) return choices.includes(given) ? given : undefined;
  const value = Number(given);
  const [min, max] = rangeOf(field);
  const fits = given !== "" && value >= min && value <= max && (!isWhole(field) || Number.isInteger(value));
  return fits ? value : undefined;
}

/** Settings of a shared address; null where it has none. What it says wrongly is as in the preset. */
export function settingsOf(search: string): Settings | null {
  const asked = new URLSearchParams(search);
  const preset = PRESETS.find((name): name is Preset => name === asked.get(BASE));
  if (!preset) return null;
  const base = presetSettings(preset);
  const given = fieldsOf(base).flatMap((field) => {
    const value = parse(field, asked.get(field) ?? "");
    return value === undefined ? [] : [[field, value] as const];
  });
  const settings: Settings = { ...base, ...Object.fromEntries(given) };
  const sizes = ["hiddenSize", "depth", "length", "batchSize", "mix", "numHashes"] as const;
  return sizes.every((field) => settings[field] === base[field])
    ? settings
    : { ...settings, preset: "custom" };
}

/** The query `search` with these settings: a preset, and what differs from it. Other parameters stay. */
export function searchOf(settings: Settings, search = ""): string {
  const query = new URLSearchParams(search);
  for (const name of Object.keys(settings)) query.delete(name);
  const differing = (preset: Preset) => {
    const base = presetSettings(preset);
    return fieldsOf(settings).filter((field) => settings[field] !== base[field]);
  };
  const [nearest] = [...PRESETS].sort((a, b) => differing(a).length - differing(b).length);
  const preset = nearest ?? PRESETS[0];
  query.set(BASE, preset);
  for (const field of differing(preset)) query.set(field, String(settings[field]));
  return `?${query}`;
}

const WRITING_FIELDS = Object.keys(WRITING_RANGES) as readonly WritingNumber[];
/** Names of the writing options in an address, where training has a `seed` too. */
const parameterOf = (field: keyof WritingSettings) => `write.${field}`;

/** The writing options of a shared address. What it says wrongly is as by default. */
export function writingOf(search: string): WritingSettings {
  const asked = new URLSearchParams(search);
  const given = WRITING_FIELDS.flatMap((field) => {
    const text = asked.get(parameterOf(field)) ?? "";
    const value = Number(text);
    const [min, max] = WRITING_RANGES[field];
    const isNumber = WRITING[field] % 1 !== 0 || Number.isInteger(value);
    return text !== "" && value >= min && value <= max && isNumber ? [[field, value] as const] : [];
  });
  return { ...WRITING, ...Object.fromEntries(given), prompt: asked.get(parameterOf("prompt")) };
}

/** The query `search` with these writing options, as far as they are not the default. Other parameters stay. */
export function withWriting(writing: WritingSettings, search: string): string {
  const query = new URLSearchParams(search);
  for (const field of ["prompt", ...WRITING_FIELDS] as const) {
    const value = writing[field];
    if (value === WRITING[field] || value === null) query.delete(parameterOf(field));
    else query.set(parameterOf(field), String(value));
  }
  return query.size > 0 ? `?${query}` : "";
}
