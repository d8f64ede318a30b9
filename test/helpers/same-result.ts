import type { Quantised } from "../../src/analyses/kit/quantised.ts";
import { dequantised } from "../../src/analyses/kit/quantised.ts";
import type { Json } from "../../src/core/index.ts";

/** Float64 throughout; other processors order sums otherwise. Losses near 1e-8 are differences of logits near 20. */
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 + 1e-6 * Math.abs(b);

function isQuantised(value: Json): value is Quantised {
  return typeof value === "object" && value !== null && "bytes" in value && "columns" in value && typeof value.bytes === "string";
}

/**
 * Where two results first differ by more than rounding, and how; undefined where they do not. A value near the edge of a level
 * may be in the next one.
 */
export function firstDifference(expected: Json, actual: Json, path = ""): string | undefined {
  if (typeof expected === "number" && typeof actual === "number")
    return close(actual, expected) ? undefined : `${path}: expected ${expected}, got ${actual}`;
  if (isQuantised(expected) && isQuantised(actual)) {
    const [a, b] = [dequantised(expected), dequantised(actual)];
    const level = (expected.high - expected.low) / 255;
    const far = a.findIndex((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) > 1.001 * level);
    const same = a.length === b.length && close(actual.low, expected.low) && close(actual.high, expected.high);
    return same && far < 0 ? undefined : `${path}: levels differ at ${far}`;
  }
  if (typeof expected !== "object" || expected === null || typeof actual !== "object" || actual === null)
    return expected === actual ? undefined : `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
  const [a, b] = [expected, actual] as Record<string, Json>[];
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  for (const name of names) {
    const [one, other] = [a?.[name], b?.[name]];
    const here = `${path}.${name}`;
    if (one === undefined || other === undefined) return `${here}: is there in one of the two alone`;
    const difference = firstDifference(one, other, here);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
