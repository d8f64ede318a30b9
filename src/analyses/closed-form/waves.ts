import { harmonicsOf } from "./dictionary.ts";

/**
 * The waves cos and sin of 2πkx/m over the p tokens, k = 1 … K, orthonormal after centring. Tokens are counted from the middle
 * one, where cosines are even and sines odd and so orthogonal.
 */
export interface WaveTable {
  readonly m: number;
  readonly tokens: number;
  readonly harmonics: number;
  /** Unit waves, [harmonics, tokens]; the sine is 0 for m = 2. */
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
  const middle = middleToken(tokens);
  const table: WaveTable = {
    m,
    tokens,
    harmonics,
    cos: new Float64Array(harmonics * tokens),
    sin: new Float64Array(harmonics * tokens),
    mean: new Float64Array(harmonics),
    cosNorm: new Float64Array(harmonics),
    sinNorm: new Float64Array(harmonics),
  };
  for (let k = 1; k <= harmonics; k++) {
    const row = (k - 1) * tokens;
    let [total, squares, sines] = [0, 0, 0];
    for (let x = 0; x < tokens; x++) {
      // Reduced first: an angle of many turns has lost its last digits.
      const angle = (2 * Math.PI * (((k * (x - middle)) % m) + m)) / m;
      const [cosine, sine] = [Math.cos(angle), m === 2 ? 0 : Math.sin(angle)];
      table.cos[row + x] = cosine;
      table.sin[row + x] = sine;
      total += cosine;
      squares += cosine ** 2;
      sines += sine ** 2;
    }
    const [cosNorm, sinNorm] = [Math.sqrt(squares - total ** 2 / tokens), Math.sqrt(sines)];
    table.mean[k - 1] = total / tokens;
    table.cosNorm[k - 1] = cosNorm;
    table.sinNorm[k - 1] = sinNorm;
    for (let x = row; x < row + tokens; x++) {
      table.cos[x] = (table.cos[x] as number) / cosNorm;
      if (m !== 2) table.sin[x] = (table.sin[x] as number) / sinNorm;
    }
  }
  return table;
}
