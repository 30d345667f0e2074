/** The chapter of stations that stand in a page by themselves: made with the first of them, and shared by all. */
import { book } from "virtual:book";
import { findAdapter } from "../adapter.js";
import { LabClient } from "../lab/client.js";
import { planMemory } from "../planner.js";
import { type Chapter, newChapter } from "./chapter.js";

interface Shared {
  readonly chapter: Chapter;
  /** Settles when the chapter knows its adapter, or that there is none. */
  readonly looked: Promise<void>;
}

let shared: Shared | undefined;

export function sharedChapter(): Shared {
  if (!shared) {
    const chapter = newChapter({ planMemory, lab: new LabClient() }, book);
    const looked = findAdapter().then((found) => {
      chapter.adapter = found;
    });
    shared = { chapter, looked };
  }
  return shared;
}
