import { at, dim, ensure, float64, type NdArray } from "../../core/index.ts";
import { mean, rfft, std, sum, svd } from "../../math/index.ts";

/**
 * The right class's logit by sum and difference of the digits, o[(x0 + x1) mod p][(x0 − x1) mod p], [p, p]. p is odd, so each
 * cell has one input.
 *
 * @param order Where given, a relabelling of the tokens, not of the classes: (x0, x1) has the logits of (order[x0], order[x1]),
 * and the right
 *   class stays x0 + x1. What classes have of their own, and so sums, remains.
 */
export function bySumAndDifference(logits: NdArray<"float64">, p: number, order?: Int32Array): Float64Array {
  const width = dim(logits, 1);
  const o = new Float64Array(p * p);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const [total, difference] = [(x0 + x1) % p, (x0 - x1 + p) % p];
      o[total * p + difference] = at(logits.data, ((order?.[x0] ?? x0) * p + (order?.[x1] ?? x1)) * width + total);
    }
  }
  return o;
}

/**
 * Mean over the differences of the standard deviation over the sums, over that of all of `o` [p, p] (Zhong et al. 2023): near 0
 * where the logit depends on the difference alone, near 1 where it does not depend on it. 0 for a constant one.
 */
export function distanceIrrelevance(o: Float64Array, p: number): number {
  const whole = std(o);
  const column = (d: number) => Float64Array.from({ length: p }, (_, s) => at(o, s * p + d));
  return whole === 0 ? 0 : mean(Array.from({ length: p }, (_, d) => std(column(d)))) / whole;
}

/** Principal components that circularity looks at. */
export const COMPONENTS = 4;

/**
 * The tokens' coordinates along the first four principal components of their embedding, each of length 1, or 0 where there are
 * fewer.
 */
export function componentsOf(tokens: NdArray<"float64">): Float64Array[] {
  const [p, d] = [dim(tokens, 0), dim(tokens, 1)];
  ensure(p >= COMPONENTS, "input", () => `clock: the embedding must have at least ${COMPONENTS} tokens, got ${p}`);
  const means = Float64Array.from(
    { length: d },
    (_, j) => sum(Array.from({ length: p }, (_token, x) => at(tokens.data, x * d + j))) / p,
  );
  const centered = tokens.data.map((value, i) => value - at(means, i % d));
  const { U, singular_values: sigma } = svd(float64(centered, [p, d]));
  const columns = dim(U, 1);
  return Array.from({ length: COMPONENTS }, (_, i) =>
    i < columns && at(sigma, i) > 1e-12 * at(sigma, 0)
      ? Float64Array.from({ length: p }, (_token, x) => at(U.data, x * columns + i))
      : new Float64Array(p),
  );
}

/**
 * Mean over the components of the largest share of one's energy that lies at one frequency (Zhong et al. 2023); 1 for circles.
 */
export function circularity(components: readonly Float64Array[]): number {
  return mean(
    components.map((component) => {
      const { re, im } = rfft(component);
      const power = re.map((value, k) => (k === 0 ? 0 : value ** 2 + at(im, k) ** 2));
      const total = sum(power);
      return total === 0 ? 0 : Math.max(...power) / total;
    }),
  );
}
