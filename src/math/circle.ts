/** cos and sin of 2πj/m, j = 0 … m − 1. */
export function circleOf(m: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const angle = (j: number) => (2 * Math.PI * j) / m;
  return {
    cos: Float64Array.from({ length: m }, (_, j) => Math.cos(angle(j))),
    sin: Float64Array.from({ length: m }, (_, j) => Math.sin(angle(j))),
  };
}
