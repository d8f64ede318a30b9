import type { TwoWaves } from "./two-waves.ts";

/** How near a sum or difference of frequencies must come to count as another, in cycles a token: a third of 1/p. */
export function nearOf(p: number): number {
  return 1 / (3 * p);
}

/** Distance of two frequencies on the circle of one cycle a token. */
const distance = (a: number, b: number) => Math.abs(((((a - b) % 1) + 1.5) % 1) - 0.5);

/** Whether two frequencies have the same waves within `near`: f and −f are one to a cosine. */
const same = (a: number, b: number, near: number) => distance(a, b) <= near || distance(a, -b) <= near;

/** Whether the sum or the difference of two frequencies is the frequency f within `near`, in either direction. */
export function beatsAt([a, b]: readonly [number, number], f: number, near: number): boolean {
  return same(a + b, f, near) || same(a - b, f, near);
}

/** Whether a frequency is a multiple of 1/q within `near`: such waves are the task's own. */
export function isOwn(f: number, q: number, near: number): boolean {
  return distance(f, Math.round(f * q) / q) <= near;
}

/** How a neuron can serve a task at a frequency k: by waves of its own there, by beats of others, or by neither. */
export type Kind = "own" | "beats" | "other";

/** The frequencies in x0 and in x1 that a task's read-out at k asks for. */
export type Target = { readonly q: number; readonly f0: number; readonly f1: number };

/** {@link Target} of frequency k of n mod q, n = x0 + p·x1. */
export function targetOf(q: number, k: number, p: number): Target {
  return { q, f0: k / q, f1: (k * p) / q };
}

/** The two waves of a neuron's part of x0 and of its part of x1. */
export type DigitWaves = readonly [TwoWaves | undefined, TwoWaves | undefined];

/** The frequencies of the two waves of a digit's part. */
export function frequenciesOf({ waves: [a, b] }: Pick<TwoWaves, "waves">): readonly [number, number] {
  return [a.frequency, b.frequency];
}

/**
 * Whether a neuron carries the task's own wave, or beats there, by the frequencies of its two waves a digit: `own` where in both
 * digits the stronger wave lies within half of 1/p of k's; `beats` where in both digits neither wave is a multiple of 1/q and
 * their sum or difference is k's.
 */
export function kindOf(low: readonly [number, number], high: readonly [number, number], { q, f0, f1 }: Target, p: number): Kind {
  if (same(low[0], f0, 0.5 / p) && same(high[0], f1, 0.5 / p)) return "own";
  const near = nearOf(p);
  const beats = (waves: readonly [number, number], f: number) =>
    beatsAt(waves, f, near) && !waves.some((each) => isOwn(each, q, near));
  return beats(low, f0) && beats(high, f1) ? "beats" : "other";
}
