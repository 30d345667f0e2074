/** The page with a model that only pretends, so that its views can be tested without a GPU in no time. */
import { book } from "virtual:book";
import { startPage } from "../../../demo/start.js";
import { fakeRuntime } from "./fake-model.js";

startPage(fakeRuntime(), book);
