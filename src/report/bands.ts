/** From one row of panels to the next, in pixels: what is closer belongs together, as a title does to what is under it. */
const APART = 13;

/** What is drawn, [top, bottom] each, as rows with nothing between them: each from where the one before ended. */
export function bandsOf(drawn: readonly (readonly [number, number])[], apart = APART): [number, number][] {
  const bands: [number, number][] = [];
  for (const [top, bottom] of [...drawn].sort(([a], [b]) => a - b)) {
    const last = bands.at(-1);
    if (last === undefined || top - last[1] > apart) bands.push([top, bottom]);
    else last[1] = Math.max(last[1], bottom);
  }
  return bands;
}
