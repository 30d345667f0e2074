/** Gives the elements of the first screens their tags; studio and stations define their own when they are loaded. */
import { HashWheel } from "../hero/hash-wheel.js";
import { TinyLearner } from "../hero/tiny-learner.js";
import { ChapterStations } from "./chapter-stations.js";
import { ReformerPage } from "./reformer-page.js";

const ELEMENTS: readonly (readonly [tag: string, element: CustomElementConstructor])[] = [
  ["hash-wheel", HashWheel],
  ["tiny-learner", TinyLearner],
  ["chapter-stations", ChapterStations],
  ["reformer-page", ReformerPage],
];

export function defineElements(): void {
  for (const [tag, element] of ELEMENTS) customElements.define(tag, element);
}
