import { at } from "../../core/index.ts";

/** Groups of similar size, which share a null of random groups of the largest of these sizes. */
export interface SizeClass {
  readonly size: number;
  /** Indices of the groups. */
  readonly members: readonly number[];
}

/** Groups by size: a class reaches from its largest size down to, and without, half of it. Largest first. */
export function sizeClasses(sizes: readonly number[]): SizeClass[] {
  const order = sizes.map((_, i) => i).sort((a, b) => at(sizes, b) - at(sizes, a) || a - b);
  const classes: { size: number; members: number[] }[] = [];
  for (const i of order) {
    const current = classes[classes.length - 1];
    if (current !== undefined && 2 * at(sizes, i) > current.size) current.members.push(i);
    else classes.push({ size: at(sizes, i), members: [i] });
  }
  return classes;
}
