import { at, dim, float64, type NdArray } from "../../core/index.ts";
import { quickExp, readRows, rowLoss } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { residues, sampleNumbers } from "./groups.ts";
import { partition, type SplitLosses, tabledLosses } from "./losses.ts";
import type { MechanismLosses } from "./of-addition.ts";

/**
 * An output head's logits as a function of its group, g(δ) = mean over samples of L[n, (n − δ) mod q], [q], and what they cost:
 * `loss` whole, `restricted` to g((n − c) mod q) and the class means of the rest, `excluded` without g((n − c) mod q).
 */
export interface KernelLosses extends MechanismLosses {
  readonly g: Float64Array;
}

/** An output head with what its logits are split by. */
interface Split {
  readonly offset: number;
  readonly q: number;
  readonly residue: Int32Array;
  readonly g: Float64Array;
  /** g twice over, so that no index has to be taken modulo q. */
  readonly twice: Float64Array;
  /** g((n − c) mod q) + class means of the rest, [q, q] (residue, class). */
  readonly restricted: NdArray<"float64">;
  /** What the sample looked at last costs, whole and without g. */
  readonly costs: Float64Array;
}

type Numbered = Head & { readonly number: number };

/**
 * The sums of all output heads' logits over the samples of each residue, [q, q] (residue, class) each, in one pass over the
 * logits.
 */
function sumsOf(logits: NdArray<"float64">, heads: readonly Numbered[], residueOf: readonly Int32Array[]): Float64Array[] {
  const [samples, width] = [dim(logits, 0), dim(logits, 1)];
  const { data } = logits;
  const all = heads.map(({ q }) => new Float64Array(q * q));
  for (let i = 0; i < samples; i++) {
    for (let h = 0; h < heads.length; h++) {
      const { q, offset } = heads[h] as Numbered;
      const sums = all[h] as Float64Array;
      const [from, to] = [i * width + offset, ((residueOf[h] as Int32Array)[i] as number) * q];
      for (let c = 0; c < q; c++) sums[to + c] = (sums[to + c] as number) + (data[from + c] as number);
    }
  }
  return all;
}

/** g, and the part of the logits that it makes, from an output head's sums by residue. */
function splitOf({ q, offset }: Numbered, residue: Int32Array, sums: Float64Array): Split {
  const samples = residue.length;
  const [g, counts] = [new Float64Array(q), new Int32Array(q)];
  for (let i = 0; i < samples; i++) counts[residue[i] as number] = at(counts, residue[i] as number) + 1;
  for (let r = 0; r < q; r++) {
    for (let c = 0; c < q; c++) g[(r - c + q) % q] = at(g, (r - c + q) % q) + at(sums, r * q + c) / samples;
  }
  const twice = new Float64Array(2 * q);
  twice.set(g);
  twice.set(g, q);
  const means = new Float64Array(q);
  for (let r = 0; r < q; r++) {
    for (let c = 0; c < q; c++) {
      means[c] = at(means, c) + (at(sums, r * q + c) - at(counts, r) * at(twice, r + q - c)) / samples;
    }
  }
  const restricted = Float64Array.from(
    { length: q * q },
    (_, cell) => at(twice, Math.floor(cell / q) + q - (cell % q)) + at(means, cell % q),
  );
  return { offset, q, residue, g, twice, restricted: float64(restricted, [q, q]), costs: new Float64Array(2) };
}

/** A row's cross-entropy where the sum of exponentials of differences to the target's logit overflows. */
function overflowing(row: Float64Array, target: number): number {
  return rowLoss(readRows(row, row.length, true), row, 0, row.length, target);
}

/**
 * What sample `i` costs an output head whole and without g, written to its `costs`: log1p of Σ over the other classes of e^(logit
 * − target's logit).
 */
function costsAt(data: Float64Array, start: number, { q, residue, twice, costs }: Split, i: number, target: number): void {
  // Class c has g's entry `last − c`.
  const last = (residue[i] as number) + q;
  const own = data[start + target] as number;
  const ownRest = own - (twice[last - target] as number);
  let [whole, rest] = [0, 0];
  for (let c = 0; c < target; c++) {
    const value = data[start + c] as number;
    whole += quickExp(value - own);
    rest += quickExp(value - (twice[last - c] as number) - ownRest);
  }
  for (let c = target + 1; c < q; c++) {
    const value = data[start + c] as number;
    whole += quickExp(value - own);
    rest += quickExp(value - (twice[last - c] as number) - ownRest);
  }
  costs[0] = Number.isFinite(whole) ? Math.log1p(whole) : overflowing(data.slice(start, start + q), target);
  if (Number.isFinite(rest)) {
    costs[1] = Math.log1p(rest);
    return;
  }
  const row = data.slice(start, start + q).map((value, c) => value - at(twice, last - c));
  costs[1] = overflowing(row, target);
}

/**
 * The losses of output heads whose classes are their residues. All heads are read in two passes over the logits [p², classes], of
 * which nothing is copied: each of them is larger than any cache.
 */
export function kernelLosses(
  { config, targets, split }: Pick<AnalysisInput, "targets" | "split"> & { readonly config: Pick<AnalysisInput["config"], "p"> },
  logits: NdArray<"float64">,
  heads: readonly Numbered[],
): KernelLosses[] {
  const [samples, width, tasks] = [dim(logits, 0), dim(logits, 1), dim(targets, 1)];
  const numbers = sampleNumbers(config);
  const residueOf = heads.map((head) => residues(numbers, head));
  const sums = sumsOf(logits, heads, residueOf);
  const splits = heads.map((head, h) => splitOf(head, at(residueOf, h), at(sums, h)));
  const parts = partition(split, samples);
  const classOf = heads.map(({ number }) => Int32Array.from({ length: samples }, (_, i) => at(targets.data, i * tasks + number)));

  const totalsOver = (rows: ArrayLike<number>, count: number) => {
    const [whole, rest] = [new Float64Array(heads.length), new Float64Array(heads.length)];
    for (let place = 0; place < count; place++) {
      const i = rows[place] as number;
      for (let h = 0; h < splits.length; h++) {
        const own = splits[h] as Split;
        costsAt(logits.data, i * width + own.offset, own, i, (classOf[h] as Int32Array)[i] as number);
        whole[h] = (whole[h] as number) + (own.costs[0] as number);
        rest[h] = (rest[h] as number) + (own.costs[1] as number);
      }
    }
    return { whole, rest };
  };
  const everySample = Int32Array.from({ length: samples }, (_, i) => i);
  const train = parts === undefined ? undefined : totalsOver(parts.train, parts.train.length);
  const test = parts === undefined ? totalsOver(everySample, samples) : totalsOver(parts.test, parts.test.length);
  const lossOf = (name: "whole" | "rest", h: number): SplitLosses => {
    if (parts === undefined || train === undefined) return { all: at(test[name], h) / samples };
    const [trained, tested] = [at(train[name], h), at(test[name], h)];
    return { all: (trained + tested) / samples, train: trained / parts.train.length, test: tested / parts.test.length };
  };
  return splits.map(({ g, residue, restricted }, h) => ({
    g,
    loss: lossOf("whole", h),
    restricted: tabledLosses(restricted, residue, at(classOf, h), parts),
    excluded: lossOf("rest", h),
  }));
}
