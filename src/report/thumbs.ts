/** Small drawings beside a finding: no text, a label for those who do not see them. */
const WIDTH = 150;
const HEIGHT = 56;

function frame(label: string, content: string): string {
  return `<svg class="thumb" role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">${content}</svg>`;
}

const place = (value: number) => Number(value.toFixed(1));

/** Values as bars up to `most` (the largest where left out), each beside the null's height. */
export function barThumb(
  label: string,
  values: readonly number[],
  { none, most }: { none?: number; most?: number } = {},
): string {
  const top = Math.max(most ?? 0, ...values, none ?? 0, 1e-12);
  const step = WIDTH / Math.max(1, values.length);
  const y = (value: number) => HEIGHT - 2 - (value / top) * (HEIGHT - 6);
  const bars = values.map(
    (value, i) =>
      `<rect x="${place(i * step)}" y="${place(y(value))}" width="${place(Math.max(1, step - 1))}" height="${place(HEIGHT - 2 - y(value))}" class="hero-bar"/>`,
  );
  const rule =
    none === undefined ? "" : `<line x1="0" x2="${WIDTH}" y1="${place(y(none))}" y2="${place(y(none))}" class="thumb-null"/>`;
  return frame(label, bars.join("") + rule);
}

/** Lines over their index, the first in color, the others grey. */
export function lineThumb(label: string, lines: readonly (readonly number[])[]): string {
  const top = Math.max(...lines.flat(), 1e-12);
  const paths = lines.map((values, line) => {
    const points = values.map(
      (value, i) => `${place((i / Math.max(1, values.length - 1)) * WIDTH)},${place(HEIGHT - 3 - (value / top) * (HEIGHT - 6))}`,
    );
    return `<polyline points="${points.join(" ")}" class="${line === 0 ? "thumb-line" : "thumb-null"}" fill="none"/>`;
  });
  return frame(label, paths.reverse().join(""));
}

/** A histogram of values over a range. */
export function histogramThumb(
  label: string,
  values: readonly number[],
  [low, high]: readonly [number, number],
  none?: number,
): string {
  const bins = new Array<number>(30).fill(0);
  for (const value of values) {
    const bin = Math.min(29, Math.max(0, Math.floor((30 * (value - low)) / (high - low))));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const top = Math.max(...bins, 1);
  const bars = bins.map(
    (count, i) =>
      `<rect x="${place((i * WIDTH) / 30)}" y="${place(HEIGHT - 2 - (count / top) * (HEIGHT - 4))}" width="${place(WIDTH / 30 - 1)}" height="${place((count / top) * (HEIGHT - 4))}" class="hero-bar"/>`,
  );
  const x = none === undefined ? undefined : place(((none - low) / (high - low)) * WIDTH);
  return frame(
    label,
    bars.join("") + (x === undefined ? "" : `<line x1="${x}" x2="${x}" y1="0" y2="${HEIGHT}" class="thumb-null"/>`),
  );
}
