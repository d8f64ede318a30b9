/** The middle value; of an even number of values, the upper of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Milliseconds that something takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Runs the competitors in turn, `rounds` times after one warm-up; median milliseconds of each. */
export async function inTurn(competitors: readonly (() => Promise<unknown>)[], rounds: number): Promise<number[]> {
  const times = competitors.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, run] of competitors.entries()) {
      const ms = await timed(run);
      if (round >= 0) times[i]?.push(ms);
    }
  }
  return times.map(median);
}

/** How many runs of so many milliseconds fill so many seconds: at least `least`, at most 8,192. */
export function runsIn(seconds: number, ms: number, least = 1): number {
  return Math.max(least, Math.min(8192, Math.round((seconds * 1000) / ms)));
}

/** Lines of cells in columns, the first aligned to the left, the others to the right. */
export function columns(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "))
    .join("\n");
}
