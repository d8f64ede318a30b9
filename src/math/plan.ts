import { ensure } from "../core/index.ts";
import { bluestein } from "./bluestein.ts";
import { mixedRadix } from "./mixed-radix.ts";
import { powerOfTwoFft } from "./power-of-two-fft.ts";
import { rader } from "./rader.ts";
import type { Transform } from "./transform.ts";

const plans = new Map<number, Transform>();

/** The transform of length `n`, prepared once per length. Not re-entrant: each plan owns its scratch memory. */
export function planOf(n: number): Transform {
  const known = plans.get(n);
  if (known !== undefined) return known;
  ensure(Number.isInteger(n) && n >= 1, "input", () => `dft: length must be a positive integer, got ${n}`);
  const plan = n === 1 ? copy : (n & (n - 1)) === 0 ? direct(n) : (mixedRadix(n) ?? rader(n) ?? bluestein(n));
  plans.set(n, plan);
  return plan;
}

function copy(out: Float64Array, data: Float64Array): void {
  out.set(data);
}

function direct(n: number): Transform {
  const fft = powerOfTwoFft(n);
  const input = new Float64Array(2 * n);
  return (out, data) => {
    input.set(data);
    fft.transform(out, input);
  };
}
