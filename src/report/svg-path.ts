/** Tenths of a pixel as short text: 12 → 1.2, −3 → -.3. */
function tenths(value: number): string {
  return String(value / 10).replace(/^(-?)0\./, "$1.");
}

/** Coordinates one after the other, with a space only where the sign does not part them. */
function joined(values: readonly number[]): string {
  return values.map((value, i) => (i > 0 && value >= 0 ? ` ${tenths(value)}` : tenths(value))).join("");
}

const POLYLINE = /^(?:[ML]-?[\d.]+(?:e-?\d+)?,-?[\d.]+(?:e-?\d+)?|Z)+$/;
const STEP = /([MLZ])(?:(-?[\d.]+(?:e-?\d+)?),(-?[\d.]+(?:e-?\d+)?))?/g;

/**
 * A path of straight lines to a tenth of a pixel, in steps from point to point: the same line at half the bytes. Rounding does
 * not add up. Any other path as it is.
 */
export function shortPath(d: string): string {
  if (!POLYLINE.test(d)) return d;
  let [x, y] = [0, 0];
  let [startX, startY] = [0, 0];
  let out = "";
  let command = "";
  for (const [, letter = "", px, py] of d.matchAll(STEP)) {
    if (letter === "Z") {
      out += "z";
      [x, y] = [startX, startY];
      command = "z";
      continue;
    }
    const [nextX, nextY] = [Math.round(Number(px) * 10), Math.round(Number(py) * 10)];
    const step = joined([nextX - x, nextY - y]);
    const next = letter === "M" ? "m" : "l";
    out += next === command && next === "l" ? (step.startsWith("-") ? step : ` ${step}`) : `${next}${step}`;
    command = next;
    [x, y] = [nextX, nextY];
    if (letter === "M") [startX, startY] = [x, y];
  }
  return out;
}

/** A box of so many pixels, drawn from its corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Boxes as one path, to a tenth of a pixel. */
export function boxesPath(boxes: readonly Box[]): string {
  let [x, y] = [0, 0];
  return boxes
    .map((box) => {
      const [nextX, nextY, width, height] = [box.x, box.y, box.width, box.height].map((value) => Math.round(value * 10)) as [
        number,
        number,
        number,
        number,
      ];
      const move = joined([nextX - x, nextY - y]);
      [x, y] = [nextX, nextY];
      return `m${move}h${tenths(width)}v${tenths(height)}h${tenths(-width)}z`;
    })
    .join("");
}
