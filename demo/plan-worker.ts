/** Plans memory away from the page's thread: a plan of a large model takes longer than a frame. */
import { expose } from "comlink";
import { longestLength, planMemory } from "../src/index.js";

const planner = { planMemory, longestLength };
export type Planner = typeof planner;
expose(planner);
