// What a learning experiment leaves behind: its numbers as JSON and its curves as a picture, both in docs/learning.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../../docs/learning/", import.meta.url));

/** One line of a picture; points in the order of x. */
export interface Curve {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Picture {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
  /** Horizontal lines to compare with. */
  readonly levels?: readonly { readonly label: string; readonly y: number }[];
}

/** Writes NAME.json and NAME.svg. */
export async function record(name: string, numbers: object, picture: Picture): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(`${FOLDER}${name}.json`, `${JSON.stringify({ date, ...numbers }, null, 2)}\n`);
  await writeFile(`${FOLDER}${name}.svg`, draw(picture));
}

/** What was recorded under NAME.json; undefined where nothing was. */
export async function readRecord<T>(name: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(`${FOLDER}${name}.json`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 64;
const RIGHT = 16;
const TOP = 40;
const BOTTOM = 52;
const COLOURS = ["#1f5fbf", "#c2410c", "#15803d", "#7e22ce"];

/** Round numbers, about five of them, that span [low, high]. */
export function ticks(low: number, high: number): number[] {
  const raw = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((m) => m * power >= raw) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const escapeXml = (text: string) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function draw({ title, x, y, curves, levels = [] }: Picture): string {
  const xs = curves.flatMap(({ points }) => points.map(([at]) => at));
  const ys = [...curves.flatMap(({ points }) => points.map(([, at]) => at)), ...levels.map((l) => l.y)];
  const [x0, x1] = [Math.min(0, ...xs), Math.max(...xs)];
  const margin = (Math.max(...ys) - Math.min(...ys)) * 0.05;
  const [y0, y1] = [Math.min(...ys) - margin, Math.max(...ys) + margin];
  const px = (at: number) => (LEFT + ((at - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const py = (at: number) =>
    (HEIGHT - BOTTOM - ((at - y0) / (y1 - y0 || 1)) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const text = (left: number | string, top: number | string, content: string, more = "") =>
    `<text x="${left}" y="${top}" ${more}>${escapeXml(content)}</text>`;
  const line = (
    x1: string | number,
    y1: string | number,
    x2: string | number,
    y2: string | number,
    more: string,
  ) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${more}/>`;
  const parts = [
    text(LEFT, 22, title, 'font-size="15" font-weight="600"'),
    text(WIDTH - RIGHT, HEIGHT - 12, x, 'text-anchor="end"'),
    text(14, TOP + 4, y, `transform="rotate(-90 14 ${TOP + 4})" text-anchor="end"`),
    ...ticks(x0, x1).map((at) => text(px(at), HEIGHT - BOTTOM + 18, String(at), 'text-anchor="middle"')),
    ...ticks(y0, y1).flatMap((at) => [
      line(LEFT, py(at), WIDTH - RIGHT, py(at), 'stroke="#ddd"'),
      text(LEFT - 8, Number(py(at)) + 4, String(at), 'text-anchor="end"'),
    ]),
    ...levels.flatMap((level) => [
      line(LEFT, py(level.y), WIDTH - RIGHT, py(level.y), 'stroke="#555" stroke-dasharray="5 4"'),
      text(WIDTH - RIGHT - 4, Number(py(level.y)) - 6, level.label, 'text-anchor="end"'),
    ]),
    ...curves.flatMap(({ label, points }, i) => {
      const colour = COLOURS[i % COLOURS.length];
      const path = points.map(([a, b]) => `${px(a)},${py(b)}`).join(" ");
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        text(WIDTH - RIGHT - 4, TOP + 14 + 18 * i, label, `text-anchor="end" fill="${colour}"`),
      ];
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${escapeXml(title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}
