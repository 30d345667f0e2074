/** The text to train on: the bundled book, or a visitor's file. */

export interface Book {
  readonly url: string;
  readonly title: string;
  readonly author: string;
  readonly source: string;
  readonly licence: string;
}

export interface OwnText {
  readonly name: string;
  readonly text: string;
}

/** A refusal that the page words itself, in the visitor's language. */
export class PageError extends Error {
  override readonly name = "PageError";
  constructor(
    readonly phrase: "notText" | "emptyText" | "notModel" | "bookMissing",
    readonly subject: string,
  ) {
    super(`${phrase}: ${subject}`);
  }
}

/**
 * A visitor's file as text, decoded piece by piece so that the page stays responsive.
 * @throws PageError where it is empty or not UTF-8
 */
export async function readOwnText(file: File): Promise<OwnText> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = file.stream().getReader();
  let text = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const piece = decoder.decode(part.value, { stream: true });
      if (piece.includes("\0")) throw new TypeError("binary");
      text += piece;
    }
    text += decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new PageError("notText", file.name);
    throw error;
  }
  if (text.trim() === "") throw new PageError("emptyText", file.name);
  return { name: file.name, text };
}

/** @throws PageError where the server does not give it */
export async function fetchBook(book: Book, signal: AbortSignal): Promise<string> {
  const response = await fetch(book.url, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new PageError("bookMissing", error instanceof Error ? error.message : String(error));
  });
  if (!response.ok) throw new PageError("bookMissing", String(response.status));
  return response.text();
}
