// Gradients of parameters as sums of parts: those of neighbours in memory are added up by one dispatch.
import { MAX_SETS, sumPartials, sumPartialsDims, type WithinColumns } from "../kernels/reduce.js";
import {
  ALIGNMENT,
  areNeighbours,
  type Recording,
  spanOf,
  type Tensor,
  view,
} from "../scheduler/recording.js";
import { layOut } from "../shapes.js";

/** A parameter's gradient, and in how many parts it is computed; 0: it is added to without parts. */
export interface PartialGradient {
  readonly gradient: Tensor;
  readonly parts: number;
  /** Elements of one part. */
  readonly count: number;
  /** The sums are these columns of the gradient; by default all of it. */
  readonly within?: WithinColumns;
}

export interface GradientSums {
  /** Where the parts of one of the gradients belong: f32 [parts, count]. */
  readonly partsOf: (gradient: Tensor) => Tensor;
  /** Adds the parts to the gradients, once all are written. */
  readonly add: () => void;
}

/** Elements at whose multiples tensors begin. */
const STEP = ALIGNMENT / 4;

/** Memory for the parts of some gradients, in the order in which those lie in memory. */
export function gradientSums(recording: Recording, gradients: readonly PartialGradient[]): GradientSums {
  const runs: PartialGradient[][] = [];
  for (const next of gradients) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const joins = last && !last.within && !next.within && areNeighbours(last.gradient, next.gradient);
    if (run && joins && run.length < MAX_SETS) run.push(next);
    else runs.push([next]);
  }
  const places = new Map<Tensor, Tensor>();
  const sums = runs.flatMap((run) => {
    if (run.every(({ parts }) => parts === 0)) return [];
    const { starts, end } = layOut(
      run.map(({ parts, count }) => parts * count),
      STEP,
    );
    const partials = recording.tensor("gradient parts", [end]);
    for (const [i, { gradient, parts, count }] of run.entries()) {
      if (parts) places.set(gradient, view(partials, starts[i] as number, [parts, count]));
    }
    const [first, last] = [run[0] as PartialGradient, run.at(-1) as PartialGradient];
    const dims = sumPartialsDims(run, { add: true, align: STEP, within: first.within });
    return { dims, partials, out: spanOf(first.gradient, last.gradient) };
  });
  return {
    partsOf: (gradient) => {
      const parts = places.get(gradient);
      if (!parts) throw new Error(`internal: ${gradient.label} has no parts`);
      return parts;
    },
    add: () => {
      for (const { dims, partials, out } of sums) recording.dispatch(sumPartials, dims, { partials, out });
    },
  };
}
