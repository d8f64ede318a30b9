import { harmonicsOf } from "./dictionary.ts";

/** Vectors that are looked at together. */
const LANES = 4;

/**
 * The waves cos and sin of 2πkx/m over the p tokens, k = 1 … K, orthonormal after centring. Tokens are counted from the middle one, where
 * cosines are even and sines odd and so orthogonal: vectors are folded onto residues ±r first, which saves most of the products.
 */
export interface WaveTable {
  readonly m: number;
  readonly tokens: number;
  readonly harmonics: number;
  readonly residues: number;
  /** The residue 0 … ⌊m/2⌋ of each token up to sign, and the sign (0 where a residue is its own negative), [tokens]. */
  readonly bin: Int32Array;
  readonly sign: Float64Array;
  /** Unit waves at each residue, [harmonics, residues]. */
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  /** Mean of the cosine over the tokens, and the norms of the centred cosine and of the sine (0 for m = 2), [harmonics]. */
  readonly mean: Float64Array;
  readonly cosNorm: Float64Array;
  readonly sinNorm: Float64Array;
}

/** The token from which a table counts. */
export function middleToken(tokens: number): number {
  return (tokens - 1) / 2;
}

/** The waves of modulus `m` over an odd number of tokens. */
export function waveTable(m: number, tokens: number): WaveTable {
  const harmonics = harmonicsOf(m);
  const residues = Math.floor(m / 2) + 1;
  const middle = middleToken(tokens);
  const bin = new Int32Array(tokens);
  const sign = new Float64Array(tokens);
  for (let x = 0; x < tokens; x++) {
    const residue = (((x - middle) % m) + m) % m;
    bin[x] = Math.min(residue, m - residue);
    sign[x] = Math.sign(m - 2 * residue) * (residue === 0 ? 0 : 1);
  }
  const table: WaveTable = {
    m,
    tokens,
    harmonics,
    residues,
    bin,
    sign,
    cos: new Float64Array(harmonics * residues),
    sin: new Float64Array(harmonics * residues),
    mean: new Float64Array(harmonics),
    cosNorm: new Float64Array(harmonics),
    sinNorm: new Float64Array(harmonics),
  };
  for (let k = 1; k <= harmonics; k++) {
    const angle = (r: number) => (2 * Math.PI * ((k * r) % m)) / m;
    let [total, squares, sines] = [0, 0, 0];
    for (let x = 0; x < tokens; x++) {
      const a = angle(bin[x] as number);
      total += Math.cos(a);
      squares += Math.cos(a) ** 2;
      sines += ((sign[x] as number) * Math.sin(a)) ** 2;
    }
    table.mean[k - 1] = total / tokens;
    table.cosNorm[k - 1] = Math.sqrt(squares - total ** 2 / tokens);
    table.sinNorm[k - 1] = m === 2 ? 0 : Math.sqrt(sines);
    for (let r = 0; r < residues; r++) {
      table.cos[(k - 1) * residues + r] = Math.cos(angle(r)) / (table.cosNorm[k - 1] as number);
      table.sin[(k - 1) * residues + r] = m === 2 ? 0 : Math.sin(angle(r)) / (table.sinNorm[k - 1] as number);
    }
  }
  return table;
}

/** Space that {@link waveEnergies} works in, for tables of at most so many residues and harmonics. */
export interface WaveSpace {
  readonly folds: Float64Array;
  /** Energies, [harmonics, 4]. */
  readonly energies: Float64Array;
}

/** Space for all of the given tables. */
export function waveSpace(tables: readonly WaveTable[]): WaveSpace {
  const most = (size: (table: WaveTable) => number) => Math.max(0, ...tables.map(size));
  return {
    folds: new Float64Array(most((table) => table.residues) * 2 * LANES),
    energies: new Float64Array(most((table) => table.harmonics) * LANES),
  };
}

/**
 * Energies of four consecutive vectors along each harmonic's waves: into `space.energies`, [harmonics, 4].
 *
 * @param vectors centred, [n, tokens]. @param first the first of the four. @param order where given, token x takes the place of `order[x]`.
 */
export function waveEnergies(
  table: WaveTable,
  vectors: Float64Array,
  first: number,
  order: Int32Array,
  { folds, energies }: WaveSpace,
): void {
  const { tokens, harmonics, residues, bin, sign, cos, sin } = table;
  folds.fill(0, 0, residues * 8);
  const [v0, v1, v2, v3] = [first * tokens, (first + 1) * tokens, (first + 2) * tokens, (first + 3) * tokens];
  for (let x = 0; x < tokens; x++) {
    const from = order[x] as number;
    const place = (bin[x] as number) * 8;
    const s = sign[x] as number;
    const [a, b] = [vectors[v0 + from] as number, vectors[v1 + from] as number];
    const [c, d] = [vectors[v2 + from] as number, vectors[v3 + from] as number];
    folds[place] = (folds[place] as number) + a;
    folds[place + 1] = (folds[place + 1] as number) + b;
    folds[place + 2] = (folds[place + 2] as number) + c;
    folds[place + 3] = (folds[place + 3] as number) + d;
    folds[place + 4] = (folds[place + 4] as number) + s * a;
    folds[place + 5] = (folds[place + 5] as number) + s * b;
    folds[place + 6] = (folds[place + 6] as number) + s * c;
    folds[place + 7] = (folds[place + 7] as number) + s * d;
  }
  for (let k = 0; k < harmonics; k++) {
    let [c0, c1, c2, c3, s0, s1, s2, s3] = [0, 0, 0, 0, 0, 0, 0, 0];
    const row = k * residues;
    for (let r = 0; r < residues; r++) {
      const even = cos[row + r] as number;
      const odd = sin[row + r] as number;
      const place = r * 8;
      c0 += even * (folds[place] as number);
      c1 += even * (folds[place + 1] as number);
      c2 += even * (folds[place + 2] as number);
      c3 += even * (folds[place + 3] as number);
      s0 += odd * (folds[place + 4] as number);
      s1 += odd * (folds[place + 5] as number);
      s2 += odd * (folds[place + 6] as number);
      s3 += odd * (folds[place + 7] as number);
    }
    energies[k * 4] = c0 * c0 + s0 * s0;
    energies[k * 4 + 1] = c1 * c1 + s1 * s1;
    energies[k * 4 + 2] = c2 * c2 + s2 * s2;
    energies[k * 4 + 3] = c3 * c3 + s3 * s3;
  }
}
