// The tasks as methods of a class that is asked for them by name: the engine, and its client on the page.
import type { TaskName, Tasks } from "../types-tasks.js";

type Call<K extends TaskName> = Parameters<Tasks[K]>;

export abstract class TaskMethods implements Tasks {
  protected abstract ask<K extends TaskName>(name: K, ...call: Call<K>): ReturnType<Tasks[K]>;

  classify(...call: Call<"classify">) {
    return this.ask("classify", ...call);
  }
  answer(...call: Call<"answer">) {
    return this.ask("answer", ...call);
  }
  fillMask(...call: Call<"fillMask">) {
    return this.ask("fillMask", ...call);
  }
  convert(...call: Call<"convert">) {
    return this.ask("convert", ...call);
  }
  embed(...call: Call<"embed">) {
    return this.ask("embed", ...call);
  }
  score(...call: Call<"score">) {
    return this.ask("score", ...call);
  }
  coverage(...call: Call<"coverage">) {
    return this.ask("coverage", ...call);
  }
  inspect(...call: Call<"inspect">) {
    return this.ask("inspect", ...call);
  }
  explain(...call: Call<"explain">) {
    return this.ask("explain", ...call);
  }
}
