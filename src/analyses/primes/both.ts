import { dim } from "../../core/index.ts";
import type { TokenPermutation } from "../../math/index.ts";
import type { DigitMeans, GridParts } from "../kit/interaction.ts";
import { forClassSums, gridNumbers, selectivityOf } from "../kit/selectivity.ts";

/** ε² of activations and of their interactions by each modulus, [moduli][d]. */
export interface BothSelectivities {
  readonly plain: Float64Array[];
  readonly interaction: Float64Array[];
}

/** Tokens' numbers, and some memory. */
interface Digits {
  readonly p: number;
  readonly order: TokenPermutation;
  /** Sums by residue twice over, [2q, d], so that a window of them has no seam, and their running totals. */
  readonly classes: Float64Array;
  readonly running: Float64Array;
}

/**
 * Adds to the sums over the classes of n = π(x0) + p·π(x1) modulo q, [q, d], what one digit's deviation from the grand mean
 * contributes, [tokens, d] less [d].
 *
 * A token t of that digit meets every token of the other one, whose terms mod q are all residues ⌊p/q⌋ times, which add nothing
 * to a sum of deviations, and those of its tokens y = 0 … (p mod q) − 1 once more: y where it is the low digit, p·y where it is
 * the high one. So a class's sum is that of a window of p mod q classes of the deviations, in steps of p or of 1.
 */
function addDigit(
  sums: Float64Array,
  q: number,
  deviations: Float64Array,
  digit: 0 | 1,
  { p, order, classes, running }: Digits,
): void {
  const d = deviations.length / p;
  const window = p % q;
  // Class u of the deviations, and class u of the sums, are those of n ≡ u·step: the other digit's terms.
  const step = digit === 0 ? p % q : 1;
  const own = digit === 0 ? 1 : p % q;
  const placeOf = new Int32Array(q);
  for (let u = 0; u < q; u++) placeOf[(u * step) % q] = u;
  classes.fill(0, 0, 2 * q * d);
  for (let x = 0; x < p; x++) {
    const place = (placeOf[((order[x] as number) * own) % q] as number) * d;
    for (let j = 0; j < d; j++) {
      const sum = (classes[place + j] as number) + (deviations[x * d + j] as number);
      classes[place + j] = sum;
    }
  }
  classes.copyWithin(q * d, 0, q * d);
  // running[u] = Σ of classes below u: a window that ends at class u has p mod q of them.
  running.fill(0, 0, d);
  for (let u = 0; u < 2 * q; u++) {
    for (let j = 0; j < d; j++) running[(u + 1) * d + j] = (running[u * d + j] as number) + (classes[u * d + j] as number);
  }
  for (let u = 0; u < q; u++) {
    const [to, end] = [((u * step) % q) * d, (q + u + 1) * d];
    const begin = end - window * d;
    for (let j = 0; j < d; j++)
      sums[to + j] = (sums[to + j] as number) + (running[end + j] as number) - (running[begin + j] as number);
  }
}

/** What remains of both digits' means without the grand mean, [p, d] each. */
function deviationsOf({ rows, columns, grand }: DigitMeans): readonly [Float64Array, Float64Array] {
  const d = grand.length;
  const less = (means: Float64Array) => means.map((mean, i) => mean - (grand[i % d] as number));
  return [less(rows), less(columns)];
}

/**
 * ε² by n mod q of activations over the grid and of their interactions, with the tokens relabelled where an order of them is
 * given.
 *
 * Only the interaction is summed over all p² samples: the other part of the activations, a function of x0 and one of x1, needs
 * some 2p + 4q additions for each q.
 *
 * @param squares The activations' sums of squared deviations, [d]; 0 for a constant column.
 */
export function bothSelectivities(
  parts: GridParts,
  squares: { readonly plain: Float64Array; readonly interaction: Float64Array },
  p: number,
  moduli: readonly number[],
  order: TokenPermutation = Int32Array.from({ length: p }, (_, x) => x),
): BothSelectivities {
  const d = dim(parts.interaction, 1);
  const largest = Math.max(0, ...moduli);
  const digits = {
    p,
    order,
    classes: new Float64Array(2 * largest * d),
    running: new Float64Array((2 * largest + 1) * d),
  };
  const [low, high] = deviationsOf(parts.means);
  const additive = moduli.map((q) => {
    const sums = new Float64Array(q * d);
    addDigit(sums, q, low, 0, digits);
    addDigit(sums, q, high, 1, digits);
    return sums;
  });
  const between = { plain: moduli.map(() => new Float64Array(d)), interaction: moduli.map(() => new Float64Array(d)) };
  forClassSums(parts.interaction, gridNumbers(p, order), moduli, ({ m, sizes, first, width, sums }) => {
    const [plain, interaction] = [between.plain[m] as Float64Array, between.interaction[m] as Float64Array];
    const others = additive[m] as Float64Array;
    for (let r = 0; r < sizes.length; r++) {
      const count = sizes[r] as number;
      for (let j = 0; j < width; j++) {
        // Neither has a mean left.
        const rest = sums[r * width + j] as number;
        const whole = rest + (others[r * d + first + j] as number);
        interaction[first + j] = (interaction[first + j] as number) + (rest * rest) / count;
        plain[first + j] = (plain[first + j] as number) + (whole * whole) / count;
      }
    }
  });
  return {
    plain: selectivityOf(between.plain, squares.plain, moduli, p * p),
    interaction: selectivityOf(between.interaction, squares.interaction, moduli, p * p),
  };
}
