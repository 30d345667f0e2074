// The worker of the transport tests.
import { exposeHost } from "../../src/worker/host.js";
import { fakeEngines } from "./fake-engine.js";

exposeHost(fakeEngines);
