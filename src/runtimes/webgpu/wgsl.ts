import { mix32 } from "../../core/index.ts";
import type { DropoutSpec } from "../../ops/index.ts";
import type { Elementwise } from "./graph.ts";

/**
 * Functions of our own, because WGSL promises little of its own: `exp` may be off by 3 + 2|x| units in the last place, `log` by
 * 2^-21 near 1, and there is no log1p. These are good to about two units, by the textbooks' reductions and series.
 */
const FUNCTIONS = {
  // e^x = 2^k e^r, |r| ≤ ln 2 / 2; ln 2 in two parts, so that k times the first is exact. The power of two is applied in two
  // halves.
  exp_: `fn exp_(x: f32) -> f32 {
  let c = clamp(x, -104.0f, 89.0f);
  let k = round(c * 1.44269504f);
  let r = (c - k * 0.693359375f) - k * -2.12194440e-4f;
  var q = 1.9841270e-4f;
  q = q * r + 1.3888889e-3f;
  q = q * r + 8.3333333e-3f;
  q = q * r + 4.1666667e-2f;
  q = q * r + 1.6666667e-1f;
  q = q * r + 0.5f;
  let p = 1.0f + (r + r * r * q);
  let n = i32(k);
  let n1 = n >> 1u;
  let e = p * bitcast<f32>(u32(n1 + 127) << 23u) * bitcast<f32>(u32(n - n1 + 127) << 23u);
  return select(e, x, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}`,
  // 1 + a = 2^k m with m within [sqrt 1/2, sqrt 2); log m = 2 artanh(f / (2 + f)) with f = m − 1, which is a itself where k = 0.
  log1p_: `fn log1p_(a: f32) -> f32 {
  let bits = bitcast<u32>(1.0f + a);
  let k = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
  let m = bitcast<f32>(bits - (bitcast<u32>(k) << 23u));
  let f = select(m - 1.0f, a, k == 0);
  let s = f / (2.0f + f);
  let z = s * s;
  var q = 2.0f / 11.0f;
  q = q * z + 2.0f / 9.0f;
  q = q * z + 2.0f / 7.0f;
  q = q * z + 2.0f / 5.0f;
  q = q * z + 2.0f / 3.0f;
  let log_m = s * 2.0f + s * z * q;
  let n = f32(k);
  let sum = n * 0.693359375f + (n * -2.12194440e-4f + log_m);
  return select(select(sum, log_m, k == 0), a, bits >= 0x7f800000u);
}`,
  mix32_: `fn mix32_(x: u32) -> u32 {
  var h = (x ^ (x >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  return h ^ (h >> 16u);
}`,
} as const;

/** The functions of our own that a shader's text calls. */
export function functionsFor(text: string): string {
  return Object.entries(FUNCTIONS)
    .filter(([name]) => text.includes(`${name}(`))
    .map(([, code]) => `${code}\n`)
    .join("");
}

/** A float32 literal. */
export function float(value: number): string {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw new Error(`program: constants must be finite in float32, got ${value}`);
  return rounded < 0 || Object.is(rounded, -0) ? `(-${-rounded}f)` : `${rounded}f`;
}

/** An element-wise operation of the given expressions. */
export function elementwise(op: Elementwise, [a = "", b = ""]: readonly string[]): string {
  switch (op) {
    case "add":
      return `${a} + ${b}`;
    case "sub":
      return `${a} - ${b}`;
    case "mul":
      return `${a} * ${b}`;
    case "div":
      return `${a} / ${b}`;
    case "maximum":
      return `max(${a}, ${b})`;
    case "exp":
      return `exp_(${a})`;
    case "log1p":
      return `log1p_(${a})`;
    case "sqrt":
      return `sqrt(${a})`;
    case "relu":
      // Not max, which may give 0 for what is not a number.
      return `select(${a}, 0f, ${a} < 0f)`;
    case "reluGrad":
      return `select(0f, ${a}, ${b} > 0f)`;
    case "copy":
      return a;
    default:
      return op satisfies never;
  }
}

/** Entry `index` of a dropout mask: `counterHash(seed, step, site, index)` against the rate. */
export function maskEntry({ seed, site, rate }: DropoutSpec, step: string, index: string): string {
  const start = `${mix32(seed)}u ^ bitcast<u32>(${step})`;
  const hash = `mix32_(mix32_(mix32_(${start}) ^ ${Math.imul(site + 1, 0x9e3779b9) >>> 0}u) ^ ${index})`;
  // hash < rate·2³² in whole numbers, and no mask at all at rate 0.
  const dropped = Math.ceil(rate * 2 ** 32) - 1;
  return dropped < 0 ? "1f" : `select(${float(1 / (1 - rate))}, 0f, ${hash} <= ${dropped}u)`;
}
