/** Figures and tables as files. */

const INLINED = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "paint-order",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "visibility",
];

/** A copy of the drawing that needs no style sheet. */
function standalone(drawing: SVGSVGElement, background: string): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const [from, to] = [
    [drawing, ...drawing.querySelectorAll("*")],
    [copy, ...copy.querySelectorAll("*")],
  ];
  for (const [i, element] of from.entries()) {
    const style = getComputedStyle(element);
    for (const name of INLINED) to[i]?.setAttribute(name, style.getPropertyValue(name));
    const { transform } = style;
    if (transform !== "none") to[i]?.setAttribute("transform", transform);
    to[i]?.removeAttribute("style");
    to[i]?.removeAttribute("class");
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [
    ["width", "100%"],
    ["height", "100%"],
    ["fill", background],
  ] as const)
    paper.setAttribute(name, value);
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

/** The drawing in twice as many pixels. */
async function picture(source: string, width: number, height: number): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made."))),
      "image/png",
    ),
  );
}

/** The drawing as a file, as large as it is shown. */
export function drawingAs(kind: "svg" | "png", drawing: SVGSVGElement, background: string): Promise<Blob> {
  const source = standalone(drawing, background);
  if (kind === "svg") return Promise.resolve(new Blob([source], { type: "image/svg+xml" }));
  const { width, height } = drawing.getBoundingClientRect();
  return picture(source, Math.round(width), Math.round(height));
}

const quoted = (value: unknown): string => {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Begins with a mark where there is more than ASCII: without it spreadsheets take it for the system's own encoding. */
export const csvFile = (text: string): Blob =>
  new Blob([/^\p{ASCII}*$/u.test(text) ? "" : "\ufeff", text], { type: "text/csv;charset=utf-8" });

/** RFC 4180. */
export const csv = (rows: readonly (readonly unknown[])[]): string =>
  `${rows.map((row) => row.map(quoted).join(",")).join("\r\n")}\r\n`;
