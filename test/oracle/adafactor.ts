// One Adafactor step in f64: matrices with factored second moments, vectors with full ones.

export interface AdafactorStep {
  readonly learningRate: number;
  readonly decayExponent: number;
  readonly epsilon1: number;
  readonly epsilon2: number;
  readonly clipThreshold: number;
  readonly weightDecay: number;
  readonly scaleByParameter: boolean;
  /** Counted from 1. */
  readonly step: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const rms = (values: readonly number[]) => Math.sqrt(mean(values.map((x) => x * x)));

function stepBy(parameters: ArrayLike<number>, update: readonly number[], options: AdafactorStep): number[] {
  const p = Array.from(parameters);
  const clipped = Math.max(1, rms(update) / options.clipThreshold);
  const relative = options.scaleByParameter ? Math.max(options.epsilon2, rms(p)) : 1;
  const size = options.learningRate * relative;
  return p.map((x, i) => x - size * options.weightDecay * x - (size * update[i]!) / clipped);
}

export function adafactorMatrix(
  given: {
    parameters: ArrayLike<number>;
    gradients: ArrayLike<number>;
    rowMoments: ArrayLike<number>;
    columnMoments: ArrayLike<number>;
  },
  options: AdafactorStep,
): { parameters: number[]; rowMoments: number[]; columnMoments: number[] } {
  const rows = given.rowMoments.length;
  const columns = given.columnMoments.length;
  const decay = 1 - options.step ** -options.decayExponent;
  const square = (i: number, j: number) => given.gradients[i * columns + j]! ** 2 + options.epsilon1;
  const rowMoments = Array.from(given.rowMoments, (old, i) => {
    const fresh = mean(Array.from(given.columnMoments, (_, j) => square(i, j)));
    return decay * old + (1 - decay) * fresh;
  });
  const columnMoments = Array.from(given.columnMoments, (old, j) => {
    const fresh = mean(Array.from(given.rowMoments, (_, i) => square(i, j)));
    return decay * old + (1 - decay) * fresh;
  });
  const update: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const variance = (rowMoments[i]! / mean(rowMoments)) * columnMoments[j]!;
      update.push(given.gradients[i * columns + j]! / Math.sqrt(variance));
    }
  }
  return { parameters: stepBy(given.parameters, update, options), rowMoments, columnMoments };
}

export function adafactorVector(
  given: { parameters: ArrayLike<number>; gradients: ArrayLike<number>; moments: ArrayLike<number> },
  options: AdafactorStep,
): { parameters: number[]; moments: number[] } {
  const decay = 1 - options.step ** -options.decayExponent;
  const moments = Array.from(
    given.moments,
    (old, i) => decay * old + (1 - decay) * (given.gradients[i]! ** 2 + options.epsilon1),
  );
  const update = moments.map((v, i) => given.gradients[i]! / Math.sqrt(v));
  return { parameters: stepBy(given.parameters, update, options), moments };
}
