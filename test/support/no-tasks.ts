/** The calls of a model that fakes do not answer. */
export class NoTasks {
  fineTune = (): never => refuse();
  replaceHead = (): never => refuse();
  classify = (): never => refuse();
  answer = (): never => refuse();
  fillMask = (): never => refuse();
  convert = (): never => refuse();
  embed = (): never => refuse();
  score = (): never => refuse();
  coverage = (): never => refuse();
  inspect = (): never => refuse();
  explain = (): never => refuse();
}

function refuse(): never {
  throw new Error("A fake model has no tasks.");
}
