import { at, dim, float64, type NdArray } from "../../core/index.ts";
import { energyOf, sumsByResidue } from "./groups.ts";

/** How many samples have each residue modulo `q`, [q]. */
function countsOf(residue: Int32Array, q: number): Int32Array {
  const counts = new Int32Array(q);
  for (const r of residue) counts[r] = at(counts, r) + 1;
  return counts;
}

/**
 * Means of an output head's logits over the samples of each residue, [q, classes]: the least-squares fit of logits that depend on
 * n mod q alone; 0 for a residue that no sample has. Where the classes are not the residues (whether q divides n), there is no c
 * to take from n: this is then what the output head's own group explains.
 */
function residueMeans(logits: NdArray<"float64">, residue: Int32Array, q: number): Float64Array {
  const classes = dim(logits, 1);
  const counts = countsOf(residue, q);
  return sumsByResidue(logits, residue, q).map((total, cell) => total / Math.max(1, at(counts, Math.floor(cell / classes))));
}

/**
 * Shares of double-centred logits' energy that lie along functions of n mod q, from 0 to 1, one for each way to read the samples'
 * residues; 0 for constant logits.
 */
export function residueShares(centred: NdArray<"float64">, residues: readonly Int32Array[], q: number): number[] {
  const classes = dim(centred, 1);
  const energy = energyOf(centred);
  if (energy === 0) return residues.map(() => 0);
  return residues.map((residue) => {
    const counts = countsOf(residue, q);
    const carried = residueMeans(centred, residue, q).reduce(
      (total, mean, cell) => total + at(counts, Math.floor(cell / classes)) * mean ** 2,
      0,
    );
    return carried / energy;
  });
}

/**
 * A two-class output head's logits in two parts: `restricted` = their means given n mod q, [q, 2] (residue, class); `excluded` =
 * the rest with the class means left in, [samples, 2]. `g`: by how much class 1, that q divides n, is above class 0 given n mod
 * q, [q].
 */
export function splitByResidue(
  logits: NdArray<"float64">,
  residue: Int32Array,
  q: number,
): { readonly g: Float64Array; readonly restricted: NdArray<"float64">; readonly excluded: NdArray<"float64"> } {
  const classes = dim(logits, 1);
  const means = residueMeans(logits, residue, q);
  const overall = new Float64Array(classes);
  countsOf(residue, q).forEach((count, r) => {
    for (let c = 0; c < classes; c++) overall[c] = at(overall, c) + (count * at(means, r * classes + c)) / residue.length;
  });
  const rest = logits.data.map((value, cell) => {
    const [i, c] = [Math.floor(cell / classes), cell % classes];
    return value - at(means, at(residue, i) * classes + c) + at(overall, c);
  });
  return {
    g: Float64Array.from({ length: q }, (_, r) => at(means, r * classes + 1) - at(means, r * classes)),
    restricted: float64(means, [q, classes]),
    excluded: float64(rest, logits.shape),
  };
}
