import { dim, type NdArray } from "../../core/index.ts";

/** What each neuron's pre-activation u(x0, x1) = mu + f(x0) + g(x1) + rest is made of. */
export interface AdditiveParts {
  readonly p: number;
  readonly neurons: number;
  /** Grand means, [neurons]. */
  readonly mu: Float64Array;
  /** f and g of each neuron one after the other, centred: [2·neurons, p]. */
  readonly digits: Float64Array;
  /** Σf² + Σg² over the tokens, [neurons]. */
  readonly energy: Float64Array;
  /** Variances over the grid of u and of |u|, [neurons]. */
  readonly variance: Float64Array;
  readonly absVariance: Float64Array;
  /** Means over the grid of max(0, u), [neurons]. */
  readonly positive: Float64Array;
  /** Whether u varies at all, [neurons]. */
  readonly live: readonly boolean[];
}

/** Variance below so much of the mean square is rounding: it is the difference of two sums of p² squares. */
const CONSTANT = 1e-12;

/** Splits pre-activations [p², neurons] into means over x1 and over x0. */
export function additiveParts(pre: NdArray<"float64">, p: number): AdditiveParts {
  const neurons = dim(pre, 1);
  const { data } = pre;
  const [rows, columns] = [new Float64Array(p * neurons), new Float64Array(p * neurons)];
  const sums = () => new Float64Array(neurons);
  const [total, squares, absolute, positive] = [sums(), sums(), sums(), sums()];
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const start = (x0 * p + x1) * neurons;
      const [row, column] = [x0 * neurons, x1 * neurons];
      for (let j = 0; j < neurons; j++) {
        const u = data[start + j] as number;
        rows[row + j] = (rows[row + j] as number) + u;
        columns[column + j] = (columns[column + j] as number) + u;
        squares[j] = (squares[j] as number) + u * u;
        absolute[j] = (absolute[j] as number) + Math.abs(u);
        // Without a branch, which would be mispredicted half of the time.
        positive[j] = (positive[j] as number) + 0.5 * (u + Math.abs(u));
      }
    }
    for (let j = 0; j < neurons; j++) total[j] = (total[j] as number) + (rows[x0 * neurons + j] as number);
  }
  const samples = p * p;
  const mu = total.map((sum) => sum / samples);
  const digits = new Float64Array(2 * p * neurons);
  const energy = new Float64Array(neurons);
  for (let j = 0; j < neurons; j++) {
    for (let x = 0; x < p; x++) {
      const f = (rows[x * neurons + j] as number) / p - (mu[j] as number);
      const g = (columns[x * neurons + j] as number) / p - (mu[j] as number);
      digits[2 * j * p + x] = f;
      digits[(2 * j + 1) * p + x] = g;
      energy[j] = (energy[j] as number) + f * f + g * g;
    }
  }
  const variance = squares.map((sum, j) => Math.max(0, sum / samples - (mu[j] as number) ** 2));
  const absVariance = squares.map((sum, j) => Math.max(0, sum / samples - ((absolute[j] as number) / samples) ** 2));
  const live = Array.from(variance, (value, j) => value > CONSTANT * ((squares[j] as number) / samples) && value > 0);
  return { p, neurons, mu, digits, energy, variance, absVariance, positive: positive.map((sum) => sum / samples), live };
}

/** Σ (Var f + Var g) over Σ Var u: 1 where no neuron mixes the digits; 0 for neurons that are all constant. */
export function additiveShare({ p, energy, variance, live }: AdditiveParts): number {
  let [additive, whole] = [0, 0];
  live.forEach((alive, j) => {
    if (!alive) return;
    additive += (energy[j] as number) / p;
    whole += variance[j] as number;
  });
  return whole === 0 ? 0 : Math.min(1, additive / whole);
}
