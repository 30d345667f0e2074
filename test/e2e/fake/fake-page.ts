/** The page with a model that only pretends, so that its views can be tested without a GPU in no time. */
import { book } from "virtual:book";
import { startPage } from "../../../demo/start.js";
import { FakeLab } from "./fake-lab.js";
import { fakeRuntime } from "./fake-model.js";

// With `?lab` in the address, a laboratory, too.
const lab = new URLSearchParams(location.search).has("lab") ? new FakeLab() : undefined;
Object.assign(window, { asked: lab?.asked });
startPage({ ...fakeRuntime(), lab }, book);
