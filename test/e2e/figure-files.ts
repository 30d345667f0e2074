/** Saved figures, read as a viewer without the page's style sheets shows them. */
import type { Page } from "playwright";

export interface SavedSvg {
  /** What the parser says; null: it is well formed. */
  readonly error: string | null;
  readonly size: readonly [width: number, height: number];
  /** Shapes and texts, the paper included. */
  readonly drawn: number;
  /** Elements that are marked as invisible. */
  readonly hidden: number;
  /** Lightness of the paper and of each text, 0 to 1; NaN where the colour needs a style sheet or a scheme. */
  readonly paper: number;
  readonly inks: readonly number[];
}

export const readSvg = (page: Page, source: string): Promise<SavedSvg> =>
  page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    const svg = parsed.documentElement;
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    const lightness = (element: Element | null) => {
      const color = element?.getAttribute("fill") ?? "";
      if (!context || !/^(rgb|oklch|oklab|color)a?\(/.test(color)) return Number.NaN;
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      return Math.max(...context.getImageData(0, 0, 1, 1).data.slice(0, 3)) / 255;
    };
    return {
      error: parsed.querySelector("parsererror")?.textContent ?? null,
      size: [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))] as const,
      drawn: svg.querySelectorAll("rect, path, polyline, circle, line, text").length,
      hidden: svg.querySelectorAll("[visibility=hidden], [opacity='0']").length,
      paper: lightness(svg.querySelector("rect")),
      inks: [...svg.querySelectorAll("text")].map(lightness),
    };
  }, source);

/** How many pixels of a picture differ from its corner. */
export const pixelsDrawn = (page: Page, png: Buffer): Promise<number> =>
  page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context?.drawImage(image, 0, 0);
    const { data } = context?.getImageData(0, 0, image.width, image.height) ?? { data: [] };
    const corner = data.slice(0, 4);
    let drawn = 0;
    for (let i = 0; i < data.length; i += 4) if (corner.some((value, c) => value !== data[i + c])) drawn++;
    return drawn;
  }, png.toString("base64"));
