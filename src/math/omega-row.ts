import { at, dim, ensure, type NdArray, randomStream } from "../core/index.ts";
import { activeCounts, nominalActive, soundActive } from "./active.ts";
import { rfft2 } from "./dft.ts";
import { type Powers, powersInTurn } from "./grid-powers.ts";
import { gridsOf, isDead } from "./half-plane.ts";
import { OMEGA_EFFORT, tokenNull } from "./token-null.ts";

/** Neurons whose spectra are followed over training, and whose permutations make up the null. */
export const OMEGA_NEURONS = 64;

/** `count` of d_mlp neurons by a seeded draw (stream `omega/neurons`), ascending; all of them where there are no more. */
export function sampleNeurons(d_mlp: number, count: number, seed: number): Int32Array {
  return randomStream(seed, "omega/neurons").permutation(d_mlp).slice(0, Math.min(count, d_mlp)).sort();
}

/**
 * One line of a run's `omega.jsonl`: frequency statistics of 64 seeded neurons at one epoch. Dead neurons are left out of the
 * means.
 */
export interface OmegaRow {
  readonly epoch: number;
  /** Mean over neurons of the number of active half-plane entries, by the sound rule. */
  readonly sound_mean: number;
  /**
   * The same mean under token permutations that the limits have not seen. Rows without it were logged when the null relabelled
   * each digit on its own, see `omega`.
   */
  readonly sound_null?: number;
  /** The mean by the nominal rule. */
  readonly nominal_mean: number;
  /** Both by |ω0| and by |ω1| (0..(p−1)/2): mean over neurons of the active entries in each bin. */
  readonly sound_by_omega0: readonly number[];
  readonly sound_by_omega1: readonly number[];
  readonly nominal_by_omega0: readonly number[];
  readonly nominal_by_omega1: readonly number[];
  /** The first neuron's |rfft2| over the grid [1:, 1:], averaged over ω1: (p+1)/2 bins at the epochs before, at and after. */
  readonly paper_bins: readonly (readonly number[])[];
}

/**
 * What the paper's frequency figure takes from one epoch: |F| of a neuron over the grid without its first row and column, by the
 * low digit's frequency ω0 = 0..(p−1)/2 and averaged over all p−1 of the high digit's. The mean is not removed.
 */
export function paperBins(grid: Float64Array, p: number): number[] {
  const n = p - 1;
  // rfft2 halves its last axis, which has to be x0 here.
  const cropped = new Float64Array(n * n);
  for (let x1 = 1; x1 < p; x1++) for (let x0 = 1; x0 < p; x0++) cropped[(x1 - 1) * n + x0 - 1] = at(grid, x0 * p + x1);
  const { re, im } = rfft2(cropped, n, n);
  const width = n / 2 + 1;
  return Array.from({ length: width }, (_, k0) => {
    let total = 0;
    for (let k1 = 0; k1 < n; k1++) total += Math.hypot(at(re, k1 * width + k0), at(im, k1 * width + k0));
    return total / n;
  });
}

/**
 * The frequency statistics of one epoch (science: the ω-spike of Syrkis & Søgaard 2024, by three definitions).
 *
 * The null draws the same permutations at every epoch, so that a curve over epochs carries no jitter of the null.
 *
 * @param neurons Activations after the ReLU at this epoch of the neurons of {@link sampleNeurons}, [p², n].
 * @param over The number of tokens, and what 2D transforms are made by.
 * @param paperGrids Neuron 0 over the p×p grid at the epochs before, at and after this one, as far as they exist.
 */
export async function omegaRow(
  epoch: number,
  neurons: NdArray<"float64">,
  { p, powers = powersInTurn }: { readonly p: number; readonly powers?: Powers },
  paperGrids: readonly Float64Array[],
  seed: number,
): Promise<OmegaRow> {
  ensure(dim(neurons, 0) === p * p, "input", () => `omega: neurons must cover ${p * p} samples, got ${dim(neurons, 0)}`);
  const grids = gridsOf(neurons).filter((grid) => !isDead(grid));
  const { thresholds, active_sound } = await tokenNull(grids, p, randomStream(seed, "omega/null"), OMEGA_EFFORT, powers);
  const actives: { readonly sound: number[]; readonly nominal: number[] }[] = [];
  await powers(grids, p, (power) => actives.push({ sound: soundActive(power, p, thresholds), nominal: nominalActive(power) }));
  const countsBy = (rule: "sound" | "nominal") =>
    activeCounts(
      actives.map((active) => active[rule]),
      p,
    );
  const [sound, nominal] = [countsBy("sound"), countsBy("nominal")];
  return {
    epoch,
    sound_mean: sound.total,
    sound_null: active_sound,
    nominal_mean: nominal.total,
    sound_by_omega0: sound.by_omega0,
    sound_by_omega1: sound.by_omega1,
    nominal_by_omega0: nominal.by_omega0,
    nominal_by_omega1: nominal.by_omega1,
    paper_bins: paperGrids.map((grid) => paperBins(grid, p)),
  };
}
