import { float64, type NdArray } from "../core/index.ts";
import { circleOf } from "./circle.ts";
import { halfPlanePower } from "./half-plane.ts";

/**
 * Calls `visit` with {@link halfPlanePower} of each grid, in order; the array is the same each time. The grids may be the same
 * array each time as well.
 */
export type Powers = (grids: Iterable<Float64Array>, p: number, visit: (power: Float64Array) => void) => Promise<void>;

/** By fast transforms, one grid after the other. */
export const powersInTurn: Powers = async (grids, p, visit) => {
  const power = new Float64Array((p * p - 1) / 2);
  for (const grid of grids) visit(halfPlanePower(grid, p, power));
};

/** Matrix products, [n, k] by [k, m], in the memory of `into`. */
type Product = (a: NdArray<"float64">, b: NdArray<"float64">, into: Float64Array) => Promise<NdArray<"float64">>;

/** Grids that one product takes. */
const TOGETHER = 16;

/**
 * cos and sin of 2πkx/p over half of the tokens, since the former are even and the latter odd: k = 0 … m by x = 0 … m, [m+1,
 * m+1], and k by x = 1 … m, [m, m], m = (p−1)/2. Both are symmetric.
 */
function halfWaves(p: number): { readonly cos: NdArray<"float64">; readonly sin: NdArray<"float64"> } {
  const m = (p - 1) / 2;
  const circle = circleOf(p);
  const table = (values: Float64Array, size: number, first: number) =>
    float64(
      Float64Array.from({ length: size * size }, (_, i) => {
        const [k, x] = [first + Math.floor(i / size), first + (i % size)];
        return values[(k * x) % p] as number;
      }),
      [size, size],
    );
  return { cos: table(circle.cos, m + 1, 0), sin: table(circle.sin, m, 1) };
}

/**
 * Writes a half-plane's powers from inner products with all pairs of waves: those of grid `g` with wave `a` of x0 (cosines from
 * 0, then sines from 1) stand in row a·grids + g, with cosines of x1 from 0 and with its sines from 1.
 */
function writePowers(
  { cosines, sines }: { readonly cosines: Float64Array; readonly sines: Float64Array },
  g: number,
  p: number,
  power: Float64Array,
): void {
  const m = (p - 1) / 2;
  const rowOf = (wave: number) => wave * TOGETHER + g;
  const square = (value: number | undefined) => (value as number) ** 2;
  for (let k = 1; k <= m; k++) {
    power[k - 1] = square(cosines[rowOf(k) * (m + 1)]) + square(cosines[rowOf(m + k) * (m + 1)]);
    power[m + k - 1] = square(cosines[rowOf(0) * (m + 1) + k]) + square(sines[rowOf(0) * m + k - 1]);
  }
  for (let k0 = 1; k0 <= m; k0++) {
    const [cosine, sine] = [rowOf(k0), rowOf(m + k0)];
    const [positive, negative] = [2 * m + (k0 - 1) * m, 2 * m + (p - 1 - k0) * m];
    for (let k = 0; k < m; k++) {
      const cc = cosines[cosine * (m + 1) + k + 1] as number;
      const cs = sines[cosine * m + k] as number;
      const sc = cosines[sine * (m + 1) + k + 1] as number;
      const ss = sines[sine * m + k] as number;
      power[positive + k] = (cc - ss) ** 2 + (sc + cs) ** 2;
      power[negative + k] = (cc + ss) ** 2 + (sc - cs) ** 2;
    }
  }
}

/**
 * Writes the even part over x0 of a grid, x0 = 0 … m, and its odd part, x0 = 1 … m, to rows of their own, where the grids lie
 * side by side.
 */
function foldRows(grid: Float64Array, g: number, p: number, even: Float64Array, odd: Float64Array): void {
  const [m, width] = [(p - 1) / 2, TOGETHER * p];
  even.set(grid.subarray(0, p), g * p);
  for (let x0 = 1; x0 <= m; x0++) {
    const [low, high] = [x0 * p, (p - x0) * p];
    const [toEven, toOdd] = [x0 * width + g * p, (x0 - 1) * width + g * p];
    for (let x1 = 0; x1 < p; x1++) {
      const [a, b] = [grid[low + x1] as number, grid[high + x1] as number];
      even[toEven + x1] = a + b;
      odd[toOdd + x1] = a - b;
    }
  }
}

/** The same over x1 for each of some rows, [rows, p], to [rows, m+1] and [rows, m]. */
function foldColumns(rows: Float64Array, p: number, even: Float64Array, odd: Float64Array): void {
  const m = (p - 1) / 2;
  for (let row = 0; row * p < rows.length; row++) {
    const [from, toEven, toOdd] = [row * p, row * (m + 1), row * m - 1];
    even[toEven] = rows[from] as number;
    for (let x = 1; x <= m; x++) {
      const [a, b] = [rows[from + x] as number, rows[from + p - x] as number];
      even[toEven + x] = a + b;
      odd[toOdd + x] = a - b;
    }
  }
}

/** By products with all waves: ten times as many operations as fast transforms take, at many times their rate. */
export function powersByProducts(product: Product): Powers {
  return async (grids, p, visit) => {
    const m = (p - 1) / 2;
    const { cos, sin } = halfWaves(p);
    const width = TOGETHER * p;
    const memory = (size: number) => new Float64Array(size);
    const [even, odd] = [memory((m + 1) * width), memory(m * width)];
    const first = memory(p * width);
    const [evenColumns, oddColumns] = [memory(width * (m + 1)), memory(width * m)];
    const [cosines, sines] = [memory(width * (m + 1)), memory(width * m)];
    const power = memory((p * p - 1) / 2);
    let held = 0;
    const flush = async (): Promise<void> => {
      if (held === 0) return;
      await product(cos, float64(even, [m + 1, width]), first.subarray(0, (m + 1) * width)); // [cosines of x0, grids·x1]
      await product(sin, float64(odd, [m, width]), first.subarray((m + 1) * width)); // [sines of x0, grids·x1]
      foldColumns(first, p, evenColumns, oddColumns);
      await product(float64(evenColumns, [width, m + 1]), cos, cosines); // [waves of x0·grids, cosines of x1]
      await product(float64(oddColumns, [width, m]), sin, sines); // [waves of x0·grids, sines of x1]
      for (let g = 0; g < held; g++) {
        writePowers({ cosines, sines }, g, p, power);
        visit(power);
      }
      held = 0;
    };
    for (const grid of grids) {
      foldRows(grid, held, p, even, odd);
      held += 1;
      if (held === TOGETHER) await flush();
    }
    await flush();
  };
}
