import { ensure } from "../../core/index.ts";
import type { Head, Labels, TaskConfig } from "../../tasks/index.ts";

/**
 * An output head whose answer is (c0·x0 + c1·x1) mod m. Its frequency pairs are (k·c0/m, k·c1/m) cycles a token, k = 1 …
 * {@link harmonicsOf}(m).
 */
export interface Modulus {
  readonly m: number;
  readonly c0: number;
  readonly c1: number;
  /** Its place among the task's output heads. */
  readonly head: number;
}

/** How many frequencies a modulus has: ⌊(m−1)/2⌋, and for m = 2 the one that has a cosine alone. */
export function harmonicsOf(m: number): number {
  return m === 2 ? 1 : Math.floor((m - 1) / 2);
}

/** The frequency 0 … ⌊m/2⌋ that has the same waves as k·c modulo m, up to the sine's sign. */
export function foldedFrequency(k: number, c: number, m: number): number {
  const residue = (k * c) % m;
  return Math.min(residue, m - residue);
}

/** Why a task has no closed form to look for; undefined where it has. */
export function withoutResidues({ labels }: { readonly labels: Labels }): string | undefined {
  return labels === "remainder"
    ? undefined
    : `needs output heads with a class for each residue (labels: remainder), got labels: ${labels}`;
}

/**
 * The moduli of a task's heads: n mod q with n = x0 + p·x1, or (x0 + x1) mod p. Shuffled labels do not enter: it is the task's
 * structure that is looked for.
 *
 * @throws MiiiiError `input` for divisibility labels, which have two classes an output head and no read-out over residues.
 */
export function moduliOf(
  where: string,
  { p, labels }: Pick<TaskConfig, "p"> & { readonly labels: Labels },
  heads: readonly Head[],
): Modulus[] {
  const refusal = withoutResidues({ labels });
  ensure(refusal === undefined, "input", () => `${where}: ${refusal}`);
  return heads.map(({ q, adds }, head) => ({ m: q, c0: 1, c1: adds ? 1 : p % q, head }));
}
