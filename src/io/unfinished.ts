// Apart from what saves, so that programs that only load do not bring that with them.

/** Ending of the name of a file that is being written, which an interruption may leave in a folder. */
export const UNFINISHED = ".saving";
