/** The part of the page's address that leads to the studio. */
export const STUDIO = "#studio";
