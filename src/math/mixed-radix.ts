import type { Transform } from "./transform.ts";

/** One pass over the data: `blocks` groups of butterflies of `radix` points, `stride` in each group; see {@link mixedRadix}. */
interface Stage {
  readonly radix: number;
  readonly blocks: number;
  readonly stride: number;
  /** e^(−2πi·block·k/(blocks·radix)) for k = 1..radix−1, interleaved, [blocks, radix − 1]. */
  readonly twiddles: Float64Array;
  /** cos and sin of 2πj/radix, interleaved, [radix]. */
  readonly circle: Float64Array;
}

/** The largest odd prime whose butterfly, quadratic in its size, is worth its while. */
const LARGEST_PRIME = 13;

/** The radices of a length: fours, at most one two, then odd primes; undefined where one of them is too large. */
function radicesOf(n: number): number[] | undefined {
  const radices: number[] = [];
  let rest = n;
  for (const radix of [4, 2, 3, 5, 7, 11, LARGEST_PRIME]) {
    for (; rest % radix === 0; rest /= radix) radices.push(radix);
  }
  return rest === 1 ? radices : undefined;
}

function stagesOf(n: number, radices: readonly number[]): Stage[] {
  let stride = 1;
  return radices.map((radix) => {
    const blocks = n / (stride * radix);
    const twiddles = new Float64Array(2 * blocks * (radix - 1));
    let next = 0;
    for (let block = 0; block < blocks; block++) {
      for (let k = 1; k < radix; k++) {
        const angle = (-2 * Math.PI * block * k) / (blocks * radix);
        twiddles[next++] = Math.cos(angle);
        twiddles[next++] = Math.sin(angle);
      }
    }
    const circle = new Float64Array(2 * radix);
    for (let j = 0; j < radix; j++) {
      circle[2 * j] = Math.cos((2 * Math.PI * j) / radix);
      circle[2 * j + 1] = Math.sin((2 * Math.PI * j) / radix);
    }
    const stage = { radix, blocks, stride, twiddles, circle };
    stride *= radix;
    return stage;
  });
}

function byTwo(out: Float64Array, data: Float64Array, { blocks, stride, twiddles }: Stage): void {
  const far = 2 * stride * blocks;
  for (let block = 0; block < blocks; block++) {
    const c = twiddles[2 * block] as number;
    const s = twiddles[2 * block + 1] as number;
    const from = 2 * stride * block;
    for (let i = from, o = 2 * from; i < from + 2 * stride; i += 2, o += 2) {
      const re = (data[i] as number) - (data[i + far] as number);
      const im = (data[i + 1] as number) - (data[i + far + 1] as number);
      out[o] = (data[i] as number) + (data[i + far] as number);
      out[o + 1] = (data[i + 1] as number) + (data[i + far + 1] as number);
      out[o + 2 * stride] = re * c - im * s;
      out[o + 2 * stride + 1] = re * s + im * c;
    }
  }
}

function byFour(out: Float64Array, data: Float64Array, { blocks, stride, twiddles }: Stage): void {
  const far = 2 * stride * blocks;
  const near = 2 * stride;
  for (let block = 0; block < blocks; block++) {
    const t = 6 * block;
    const c1 = twiddles[t] as number;
    const s1 = twiddles[t + 1] as number;
    const c2 = twiddles[t + 2] as number;
    const s2 = twiddles[t + 3] as number;
    const c3 = twiddles[t + 4] as number;
    const s3 = twiddles[t + 5] as number;
    const from = near * block;
    for (let i = from, o = 4 * from; i < from + near; i += 2, o += 2) {
      const re0 = data[i] as number;
      const im0 = data[i + 1] as number;
      const re1 = data[i + far] as number;
      const im1 = data[i + far + 1] as number;
      const re2 = data[i + 2 * far] as number;
      const im2 = data[i + 2 * far + 1] as number;
      const re3 = data[i + 3 * far] as number;
      const im3 = data[i + 3 * far + 1] as number;
      const evenRe = re0 + re2;
      const evenIm = im0 + im2;
      const oddRe = re1 + re3;
      const oddIm = im1 + im3;
      const leftRe = re0 - re2;
      const leftIm = im0 - im2;
      const rightRe = re1 - re3;
      const rightIm = im1 - im3;
      out[o] = evenRe + oddRe;
      out[o + 1] = evenIm + oddIm;
      out[o + near] = (leftRe + rightIm) * c1 - (leftIm - rightRe) * s1;
      out[o + near + 1] = (leftRe + rightIm) * s1 + (leftIm - rightRe) * c1;
      out[o + 2 * near] = (evenRe - oddRe) * c2 - (evenIm - oddIm) * s2;
      out[o + 2 * near + 1] = (evenRe - oddRe) * s2 + (evenIm - oddIm) * c2;
      out[o + 3 * near] = (leftRe - rightIm) * c3 - (leftIm + rightRe) * s3;
      out[o + 3 * near + 1] = (leftRe - rightIm) * s3 + (leftIm + rightRe) * c3;
    }
  }
}

/** Seven points; the commonest odd factor here (112 = 4·4·7), so written out. */
function bySeven(out: Float64Array, data: Float64Array, { blocks, stride, twiddles, circle }: Stage): void {
  const far = 2 * stride * blocks;
  const near = 2 * stride;
  const c1 = circle[2] as number;
  const s1 = circle[3] as number;
  const c2 = circle[4] as number;
  const s2 = circle[5] as number;
  const c3 = circle[6] as number;
  const s3 = circle[7] as number;
  for (let block = 0; block < blocks; block++) {
    const from = near * block;
    const t = 12 * block;
    for (let i = from, o = 7 * from; i < from + near; i += 2, o += 2) {
      const re0 = data[i] as number;
      const im0 = data[i + 1] as number;
      const re1 = (data[i + far] as number) + (data[i + 6 * far] as number);
      const im1 = (data[i + far + 1] as number) + (data[i + 6 * far + 1] as number);
      const re6 = (data[i + far] as number) - (data[i + 6 * far] as number);
      const im6 = (data[i + far + 1] as number) - (data[i + 6 * far + 1] as number);
      const re2 = (data[i + 2 * far] as number) + (data[i + 5 * far] as number);
      const im2 = (data[i + 2 * far + 1] as number) + (data[i + 5 * far + 1] as number);
      const re5 = (data[i + 2 * far] as number) - (data[i + 5 * far] as number);
      const im5 = (data[i + 2 * far + 1] as number) - (data[i + 5 * far + 1] as number);
      const re3 = (data[i + 3 * far] as number) + (data[i + 4 * far] as number);
      const im3 = (data[i + 3 * far + 1] as number) + (data[i + 4 * far + 1] as number);
      const re4 = (data[i + 3 * far] as number) - (data[i + 4 * far] as number);
      const im4 = (data[i + 3 * far + 1] as number) - (data[i + 4 * far + 1] as number);
      out[o] = re0 + re1 + re2 + re3;
      out[o + 1] = im0 + im1 + im2 + im3;
      let re = re0 + c1 * re1 + c2 * re2 + c3 * re3;
      let im = im0 + c1 * im1 + c2 * im2 + c3 * im3;
      let dRe = s1 * im6 + s2 * im5 + s3 * im4;
      let dIm = s1 * re6 + s2 * re5 + s3 * re4;
      put(out, o + near, re + dRe, im - dIm);
      put(out, o + 6 * near, re - dRe, im + dIm);
      re = re0 + c2 * re1 + c3 * re2 + c1 * re3;
      im = im0 + c2 * im1 + c3 * im2 + c1 * im3;
      dRe = s2 * im6 - s3 * im5 - s1 * im4;
      dIm = s2 * re6 - s3 * re5 - s1 * re4;
      put(out, o + 2 * near, re + dRe, im - dIm);
      put(out, o + 5 * near, re - dRe, im + dIm);
      re = re0 + c3 * re1 + c1 * re2 + c2 * re3;
      im = im0 + c3 * im1 + c1 * im2 + c2 * im3;
      dRe = s3 * im6 - s1 * im5 + s2 * im4;
      dIm = s3 * re6 - s1 * re5 + s2 * re4;
      put(out, o + 3 * near, re + dRe, im - dIm);
      put(out, o + 4 * near, re - dRe, im + dIm);
      for (let k = 1; k < 7; k++) turn(out, o + k * near, twiddles, t + 2 * (k - 1));
    }
  }
}

function put(out: Float64Array, at: number, re: number, im: number): void {
  out[at] = re;
  out[at + 1] = im;
}

/** Multiplies a complex number by its twiddle, in place. */
function turn(out: Float64Array, at: number, twiddles: Float64Array, t: number): void {
  const re = out[at] as number;
  const im = out[at + 1] as number;
  const c = twiddles[t] as number;
  const s = twiddles[t + 1] as number;
  out[at] = re * c - im * s;
  out[at + 1] = re * s + im * c;
}

/** Butterflies of odd size: what two points that mirror each other add to two results that mirror each other is shared. */
function byOdd(out: Float64Array, data: Float64Array, { radix, blocks, stride, twiddles, circle }: Stage): void {
  const half = (radix - 1) / 2;
  const far = 2 * stride * blocks;
  const near = 2 * stride;
  const pairs = new Float64Array(4 * half);
  for (let block = 0; block < blocks; block++) {
    const from = near * block;
    const t = 2 * block * (radix - 1) - 2;
    for (let i = from, o = radix * from; i < from + near; i += 2, o += 2) {
      const firstRe = data[i] as number;
      const firstIm = data[i + 1] as number;
      let totalRe = firstRe;
      let totalIm = firstIm;
      for (let j = 0, a = i + far, b = i + (radix - 1) * far; j < 4 * half; j += 4, a += far, b -= far) {
        const sumRe = (data[a] as number) + (data[b] as number);
        const sumIm = (data[a + 1] as number) + (data[b + 1] as number);
        pairs[j] = sumRe;
        pairs[j + 1] = sumIm;
        pairs[j + 2] = (data[a] as number) - (data[b] as number);
        pairs[j + 3] = (data[a + 1] as number) - (data[b + 1] as number);
        totalRe += sumRe;
        totalIm += sumIm;
      }
      out[o] = totalRe;
      out[o + 1] = totalIm;
      for (let k = 1; k <= half; k++) {
        let evenRe = firstRe;
        let evenIm = firstIm;
        let oddRe = 0;
        let oddIm = 0;
        let angle = 0;
        for (let j = 0; j < 4 * half; j += 4) {
          angle += 2 * k;
          if (angle >= 2 * radix) angle -= 2 * radix;
          const c = circle[angle] as number;
          const s = circle[angle + 1] as number;
          evenRe += c * (pairs[j] as number);
          evenIm += c * (pairs[j + 1] as number);
          oddRe += s * (pairs[j + 2] as number);
          oddIm += s * (pairs[j + 3] as number);
        }
        put(out, o + k * near, evenRe + oddIm, evenIm - oddRe);
        put(out, o + (radix - k) * near, evenRe - oddIm, evenIm + oddRe);
      }
      for (let k = 1; k < radix; k++) turn(out, o + k * near, twiddles, t + 2 * k);
    }
  }
}

const PASSES: Readonly<Record<number, typeof byOdd>> = { 2: byTwo, 4: byFour, 7: bySeven };

/**
 * The transform of a length above 1 whose prime factors are at most {@link LARGEST_PRIME}; undefined for any other. One pass for
 * each radix, each of which leaves its results in order (Stockham's scheme): with `blocks` times `radix` numbers at each of
 * `stride` places, number block + k·blocks of the input becomes number radix·block + k of the output.
 */
export function mixedRadix(n: number): Transform | undefined {
  const radices = radicesOf(n);
  if (radices === undefined) return undefined;
  const stages = stagesOf(n, radices);
  const between = [new Float64Array(2 * n), new Float64Array(2 * n)] as const;
  return (out, data) => {
    let source = data;
    for (let i = 0; i < stages.length; i++) {
      const target = i === stages.length - 1 ? out : between[(i & 1) as 0 | 1];
      if (target === source) {
        // A single pass from an array to itself.
        source = between[1];
        source.set(data);
      }
      const stage = stages[i] as Stage;
      (PASSES[stage.radix] ?? byOdd)(target, source, stage);
      source = target;
    }
  };
}
