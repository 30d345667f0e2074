/** Plans memory away from the page's thread: a plan of a large model takes longer than a frame. */
import { expose } from "comlink";
import { planMemory } from "../src/index.js";

expose(planMemory);
