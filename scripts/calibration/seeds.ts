/** Seeds as ascending ranges, both ends included. */
export type Seeds = readonly (readonly [from: number, to: number])[];

/** Whether a seed is among them. */
export function hasSeed(seeds: Seeds, seed: number): boolean {
  return seeds.some(([from, to]) => from <= seed && seed <= to);
}

/** The seeds with further ones. */
export function withSeeds(seeds: Seeds, more: readonly number[]): Seeds {
  const ranges = [...seeds, ...more.map((seed) => [seed, seed] as const)].sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** How many they are. */
export function seedCount(seeds: Seeds): number {
  return seeds.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}
