/**
 * The package's entry `./elements`: the stations by themselves, which need nothing of the page around them. Each is loaded
 * when its tag is met in the document.
 */
import { useCourseFiles } from "./course-files.js";
import { followDocument } from "./i18n/language.js";
import type * as Api from "./station-elements-api.js";
import { STATIONS } from "./stations/registry.js";

const STATION_TAGS = STATIONS.map(({ tag }) => tag) as (typeof Api)["STATION_TAGS"];

const loadStation: (typeof Api)["loadStation"] = async (tag) => {
  await STATIONS.find((station) => station.tag === tag)?.load();
};

/** Loads what stands under a node. */
function loadUnder(node: Node): void {
  if (!(node instanceof Element || node instanceof Document)) return;
  for (const tag of STATION_TAGS)
    if ((node instanceof Element && node.localName === tag) || node.querySelector(tag)) void loadStation(tag);
}

followDocument();
useCourseFiles(import.meta.url.replace(/[^/]*$/, "course/"));
loadUnder(document);
new MutationObserver((records) => {
  for (const { addedNodes } of records) addedNodes.forEach(loadUnder);
}).observe(document, { childList: true, subtree: true });

export { loadStation, STATION_TAGS, useCourseFiles };
