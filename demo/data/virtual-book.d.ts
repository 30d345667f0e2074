declare module "virtual:book" {
  /** The bundled book: where to fetch its text (UTF-8), and what to say about it. */
  export const book: {
    readonly url: string;
    readonly title: string;
    readonly author: string;
    readonly source: string;
    readonly licence: string;
  };
}
