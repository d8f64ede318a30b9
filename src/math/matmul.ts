import { dim, ensure, float64, type NdArray } from "../core/index.ts";

/** The product of two matrices, [n, k] by [k, m], in plain loops: for those that are small, or where there is no runtime. */
export function matmul(a: NdArray<"float64">, b: NdArray<"float64">): NdArray<"float64"> {
  const [n, inner, m] = [dim(a, 0), dim(a, 1), dim(b, 1)];
  ensure(dim(b, 0) === inner, "input", () => `matmul: b must have ${inner} rows, got ${dim(b, 0)}`);
  const out = new Float64Array(n * m);
  const [left, right] = [a.data, b.data];
  for (let i = 0; i < n; i++) {
    const row = i * m;
    let l = 0;
    // Four rows of b in one go: an entry of the product is then loaded and stored once for all of them.
    for (; l + 4 <= inner; l += 4) {
      const at = i * inner + l;
      const [w, x] = [left[at] as number, left[at + 1] as number];
      const [y, z] = [left[at + 2] as number, left[at + 3] as number];
      const from = l * m;
      for (let j = 0; j < m; j++) {
        const place = from + j;
        const first = w * (right[place] as number) + x * (right[place + m] as number);
        const second = y * (right[place + 2 * m] as number) + z * (right[place + 3 * m] as number);
        out[row + j] = (out[row + j] as number) + (first + second);
      }
    }
    for (; l < inner; l++) {
      const factor = left[i * inner + l] as number;
      for (let j = 0; j < m; j++) out[row + j] = (out[row + j] as number) + factor * (right[l * m + j] as number);
    }
  }
  return float64(out, [n, m]);
}
