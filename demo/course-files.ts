/** Where the files are that the course fetches when someone asks for them: the book's text and the small models. */

let base: string | undefined;

/** Address of a file of the course: beside the page, unless another place was named. */
export const courseFile = (path: string): string =>
  new URL(path, new URL(base ?? import.meta.env.BASE_URL, document.baseURI)).href;

/** Names the folder that holds `book.txt` and `models/`; relative to the page. */
export function useCourseFiles(folder: string | URL): void {
  base = String(folder).replace(/\/?$/, "/");
}
