/** The learning curve as it is drawn: never more than MAX points, however long the run. */

export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly bits: number;
}

/** Plain data, to be kept with a saved run. */
export interface CurveData {
  readonly stride: number;
  readonly train: readonly CurvePoint[];
  readonly heldOut: readonly CurvePoint[];
}

const MAX = 2000;
/** Half the window of the smooth line: so many points, and a share of the curve. */
const [SMOOTHING_MIN, SMOOTHING_SHARE] = [3, 40];

export class Curve {
  #train: CurvePoint[] = [];
  #heldOut: CurvePoint[] = [];
  /** Steps that one kept point is the mean of. */
  #stride = 1;
  #pending: CurvePoint[] = [];

  static from(data: CurveData): Curve {
    const curve = new Curve();
    curve.#stride = data.stride;
    curve.#train = [...data.train];
    curve.#heldOut = [...data.heldOut];
    return curve;
  }

  get train(): readonly CurvePoint[] {
    return this.#train;
  }
  get heldOut(): readonly CurvePoint[] {
    return this.#heldOut;
  }

  add(point: CurvePoint, heldOut?: { readonly loss: number; readonly bitsPerCharacter: number }): void {
    this.#pending.push(point);
    if (this.#pending.length >= this.#stride) {
      this.#train.push(mean(this.#pending));
      this.#pending = [];
    }
    if (this.#train.length > MAX) {
      this.#train = pairs(this.#train);
      this.#stride *= 2;
    }
    if (heldOut) {
      this.#heldOut.push({ step: point.step, loss: heldOut.loss, bits: heldOut.bitsPerCharacter });
      if (this.#heldOut.length > MAX) this.#heldOut = this.#heldOut.filter((_, i) => i % 2 === 1);
    }
  }

  /** Forgets what lies after a step: a run that goes on from a checkpoint draws it again. */
  cutAfter(step: number): void {
    this.#pending = [];
    this.#train = this.#train.filter((point) => point.step <= step);
    this.#heldOut = this.#heldOut.filter((point) => point.step <= step);
  }

  toData(): CurveData {
    return { stride: this.#stride, train: this.#train, heldOut: this.#heldOut };
  }
}

function mean(points: readonly CurvePoint[]): CurvePoint {
  const sum = (pick: (point: CurvePoint) => number) => points.reduce((total, p) => total + pick(p), 0);
  return {
    step: Math.max(...points.map((p) => p.step)),
    loss: sum((p) => p.loss) / points.length,
    bits: sum((p) => p.bits) / points.length,
  };
}

function pairs(points: readonly CurvePoint[]): CurvePoint[] {
  const halved: CurvePoint[] = [];
  for (let i = 0; i + 1 < points.length; i += 2) halved.push(mean(points.slice(i, i + 2)));
  return halved;
}

/** The last point at or before a step. */
export function nearest(points: readonly CurvePoint[], step: number | undefined): CurvePoint | undefined {
  if (step === undefined) return points.at(-1);
  return points.findLast((point) => point.step <= step);
}

/** Mean over a window centred on each point, so that a falling curve is not drawn too late. */
export function smooth(values: readonly number[]): number[] {
  const radius = SMOOTHING_MIN + Math.floor(values.length / SMOOTHING_SHARE);
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  return values.map((_, i) => {
    const reach = Math.min(radius, i, values.length - 1 - i);
    const [from, to] = [i - reach, i + reach + 1];
    return ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from);
  });
}
