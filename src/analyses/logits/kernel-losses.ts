import { at, dim, float64, type NdArray } from "../../core/index.ts";
import { argmax, quickExp, type RowKernels, rowKernels } from "../../math/index.ts";
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
  /** Place of the factors e^(−g) in the kernels' memory, see {@link kernelsOf}. */
  readonly factors: number;
  /** Whether none of them is so large that sums of products with them might miss terms. */
  readonly areBounded: boolean;
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

/**
 * g, and the part of the logits that it makes, from an output head's sums by residue.
 *
 * @param end Where the logits of all heads end.
 */
function splitOf({ q, offset }: Numbered, residue: Int32Array, sums: Float64Array, end: number): Split {
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
  const range = Math.max(...g) - Math.min(...g);
  const parts = { offset, q, residue, g, twice, factors: end + 2 * offset, areBounded: Math.exp(range) <= LARGEST_FACTOR };
  return { ...parts, restricted: float64(restricted, [q, q]), costs: new Float64Array(2) };
}

/**
 * With factors of at most the latter, the terms that have left the range of floats, below 1e-307, are nothing beside a sum above
 * the former.
 */
const [SMALLEST, LARGEST_FACTOR] = [1e-200, 1e40];

/** A row's cross-entropy where exponentials of differences to the target's logit are too large or too small to be summed. */
function overflowing(row: Float64Array, target: number): number {
  const best = argmax(row);
  const top = at(row, best);
  const others = row.reduce((sum, value, c) => sum + (c === best ? 0 : quickExp(value - top)), 0);
  return top - at(row, target) + Math.log1p(others);
}

/** Beyond this difference to the target's logit exponentials are not summed. */
const MOST_AHEAD = 700;

/**
 * What the sample whose logits `kernels` have compared costs output head `h` whole and without g, written to `costs`: log1p of Σ
 * over the other classes of e^(logit − target's logit). Without g each term is e^(−g) times what it is whole, up to a factor of
 * them all.
 *
 * @param r The sample's place in the head's group.
 */
function costsOf(
  { numbers, found }: RowKernels,
  h: number,
  { q, offset, twice, areBounded, costs }: Split,
  r: number,
  target: number,
) {
  const isNear = (found[3 * h] as number) - (numbers[offset + target] as number) <= MOST_AHEAD;
  const rest = found[3 * h + 2] as number;
  const row = () => numbers.slice(offset, offset + q);
  costs[0] = isNear ? Math.log1p(found[3 * h + 1] as number) : overflowing(row(), target);
  costs[1] =
    isNear && areBounded && rest > SMALLEST && Number.isFinite(rest)
      ? Math.log1p(rest)
      : overflowing(
          row().map((value, c) => value - at(twice, r + q - c)),
          target,
        );
}

/** The kernels for the logits of all heads, and e^(largest of g − g) of each after them, twice over and last first. */
function kernelsOf(splits: readonly Split[], end: number): RowKernels {
  const kernels = rowKernels(
    3 * end,
    splits.map(({ offset, q }) => [offset, q]),
  );
  for (const { q, twice, factors } of splits) {
    const top = twice.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
    for (let j = 0; j < 2 * q; j++) kernels.numbers[factors + j] = Math.exp(top - at(twice, 2 * q - 1 - j));
  }
  return kernels;
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
  const end = heads.reduce((most, { offset, q }) => Math.max(most, offset + q), 0);
  const splits = heads.map((head, h) => splitOf(head, at(residueOf, h), at(sums, h), end));
  const parts = partition(split, samples);
  const classOf = heads.map(({ number }) => Int32Array.from({ length: samples }, (_, i) => at(targets.data, i * tasks + number)));

  const totalsOver = (rows: ArrayLike<number>, count: number) => {
    const [whole, rest] = [new Float64Array(heads.length), new Float64Array(heads.length)];
    const kernels = kernelsOf(splits, end);
    for (let place = 0; place < count; place++) {
      const i = rows[place] as number;
      kernels.numbers.set(logits.data.subarray(i * width, i * width + end));
      for (let h = 0; h < splits.length; h++) {
        const { q, residue, factors } = splits[h] as Split;
        // Class c has g's entry r − c.
        kernels.aim(h, (classOf[h] as Int32Array)[i] as number, factors + q - 1 - (residue[i] as number));
      }
      kernels.compare();
      for (let h = 0; h < splits.length; h++) {
        const own = splits[h] as Split;
        costsOf(kernels, h, own, own.residue[i] as number, (classOf[h] as Int32Array)[i] as number);
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
