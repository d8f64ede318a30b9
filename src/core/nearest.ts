import { MiiiiError } from "./index.ts";

/** Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const costs = [(row[j - 1] as number) + 1, (last[j] as number) + 1, (last[j - 1] as number) + (same ? 0 : 1)];
      if (swapped) costs.push((beforeLast[j - 2] as number) + 1);
      row.push(Math.min(...costs));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] as number;
}

/** The name closest to what was typed, or undefined where nothing comes close. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let distance = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const name of names) {
    const d = name.startsWith(typed) && typed.length >= 2 ? 1 : editDistance(typed.toLowerCase(), name.toLowerCase());
    if (d < distance) [best, distance] = [name, d];
  }
  return best;
}

/**
 * The usage error for a name that does not exist: what was typed, the nearest that exists, and all of them where they are few.
 */
export function unknownName(what: string, typed: string, names: readonly string[], prefix = ""): MiiiiError {
  const close = nearest(typed, names);
  const hint =
    close === undefined ? (names.length <= 20 ? `; there are ${names.join(", ")}` : "") : `; did you mean ${prefix}${close}?`;
  return new MiiiiError("usage", `unknown ${what} "${prefix}${typed}"${hint}`);
}
