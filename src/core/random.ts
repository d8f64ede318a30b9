/** Mixes 32 bits so that every input bit reaches every output bit (Wellons' `lowbias32`); a bijection on 32-bit integers. */
export function mix32(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The counter-based hash behind every dropout mask: a 32-bit unsigned integer from four counters. It has no state, so that a
 * run can be resumed at any step, and uses 32-bit integer arithmetic alone, so that a GPU computes the same bits.
 */
export function counterHash(seed: number, step: number, site: number, index: number): number {
  return mix32(counterKey(seed, step, site) ^ index);
}

/** What {@link counterHash} makes of all but the index. */
const counterKey = (seed: number, step: number, site: number) =>
  mix32(mix32(mix32(seed) ^ step) ^ Math.imul(site + 1, 0x9e3779b9));

/**
 * {@link counterHash} at each index of `out`, `below` where it is below `threshold`, else `above`: the loop that a mask for each
 * sample needs.
 */
export function fillByCounterHash(
  out: Float32Array,
  { seed, step, site }: { readonly seed: number; readonly step: number; readonly site: number },
  threshold: number,
  [below, above]: readonly [number, number],
): void {
  const key = counterKey(seed, step, site);
  for (let i = 0; i < out.length; i++) out[i] = mix32(key ^ i) < threshold ? below : above;
}

function hashName(seed: number, name: string): number {
  let h = mix32(seed ^ 0x6d696969);
  for (let i = 0; i < name.length; i++) h = mix32(h ^ name.charCodeAt(i));
  return h;
}

/** A seeded stream of random numbers. Streams of different names are independent of each other. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform integer in [0, n). */
  integer(n: number): number;
  /** Standard normal. */
  normal(): number;
  /** A permutation of 0..n−1 (Fisher–Yates). */
  permutation(n: number): Int32Array;
}

/** The random stream of `name` under `seed` (xoshiro128++, Blackman & Vigna 2021). */
export function randomStream(seed: number, name: string): Random {
  const start = hashName(seed, name);
  let [a, b, c, d] = [1, 2, 3, 4].map((k) => mix32(start + Math.imul(k, 0x9e3779b9)) | 0) as [number, number, number, number];
  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const next = (): number => {
    const result = (rotl((a + d) | 0, 7) + a) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  let spare: number | undefined;
  const uniform = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  const integer = (n: number) => Math.floor(uniform() * n);
  const normal = () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const permutation = (n: number) => {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = integer(i + 1);
      const held = order[i] as number;
      order[i] = order[j] as number;
      order[j] = held;
    }
    return order;
  };
  return { uniform, integer, normal, permutation };
}
