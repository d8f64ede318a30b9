import { type Fusion, type Group, reads } from "./fuse.ts";
import { type Tensor, unshaped } from "./graph.ts";

/** A state tensor: the input that holds it and the tensor that it becomes. */
export interface StateChange {
  readonly name: string;
  readonly before: Tensor;
  readonly after: Tensor;
}

/** In which order groups run, and which of them write state in place. */
export interface Schedule {
  /** Step of each group: groups of one step do not wait for each other, and each waits for earlier steps alone. */
  readonly steps: ReadonlyMap<Group, number>;
  /** The first step that waits for each group. */
  readonly awaited: ReadonlyMap<Group, number>;
  /** State whose new values are written over the old ones as they are computed; the rest is copied at the end. */
  readonly inPlace: ReadonlySet<StateChange>;
}

/** Orders the groups of a program so that everything is computed before it is read, and read before it is overwritten. */
export function schedule({ groups, stored }: Fusion, changes: readonly StateChange[]): Schedule {
  const home = new Map<Tensor, Group>();
  for (const group of groups) for (const root of group.roots) home.set(root, group);
  const readers = new Map<Tensor, Map<Group, boolean>>(); // whether only at the entry that is written
  const after = new Map<Group, Set<Group>>(groups.map((group) => [group, new Set()]));
  const before = (first: Group, second: Group) => after.get(first)?.add(second);
  for (const group of groups) {
    for (const root of group.roots) {
      const see = (tensor: Tensor, aligned: boolean) => {
        const known = readers.get(tensor) ?? new Map<Group, boolean>();
        known.set(group, (known.get(group) ?? true) && aligned && group.core === undefined);
        readers.set(tensor, known);
        const maker = home.get(tensor);
        if (maker !== undefined && maker !== group) before(maker, group);
      };
      reads(root, (tensor) => stored.has(tensor), see);
    }
  }
  const leadsTo = (from: Group, to: Group, seen = new Set<Group>()): boolean => {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return [...(after.get(from) ?? [])].some((next) => leadsTo(next, to, seen));
  };
  for (const group of groups) {
    const [root] = group.roots;
    if (root?.operation.kind !== "putColumns") continue;
    const overwritten = unshaped(root.args[0] as Tensor);
    for (const reader of readers.get(overwritten)?.keys() ?? []) if (reader !== group) before(reader, group);
  }
  const inPlace = new Set<StateChange>();
  for (const change of changes) {
    const writer = home.get(change.after);
    if (writer === undefined || writer.core !== undefined || writer.roots.some((root) => root.operation.kind === "putColumns"))
      continue;
    if (changes.some((other) => other !== change && other.after === change.after)) continue;
    const old = readers.get(change.before) ?? new Map<Group, boolean>();
    const others = [...old.keys()].filter((reader) => reader !== writer);
    if (old.get(writer) === false || others.some((reader) => leadsTo(writer, reader))) continue;
    for (const reader of others) before(reader, writer);
    inPlace.add(change);
  }
  const steps = new Map<Group, number>();
  const order: Group[] = [];
  const waiting = new Map<Group, number>(groups.map((group) => [group, 0]));
  for (const nexts of after.values()) for (const next of nexts) waiting.set(next, (waiting.get(next) ?? 0) + 1);
  let ready = groups.filter((group) => waiting.get(group) === 0);
  for (let step = 0; ready.length > 0; step++) {
    const nextReady: Group[] = [];
    for (const group of ready) {
      steps.set(group, step);
      order.push(group);
      for (const next of after.get(group) ?? []) {
        const left = (waiting.get(next) ?? 0) - 1;
        waiting.set(next, left);
        if (left === 0) nextReady.push(next);
      }
    }
    ready = nextReady;
  }
  if (steps.size !== groups.length) throw new Error("program: its kernels wait for each other in a circle");
  // Products run as soon as they can; all else is put off as far as can be, where the most of it shares dispatches.
  const end = 1 + Math.max(-1, ...steps.values());
  const awaited = new Map<Group, number>();
  for (const group of order.toReversed()) {
    const first = Math.min(end, ...[...(after.get(group) ?? [])].map((next) => steps.get(next) as number));
    awaited.set(group, first);
    if (group.core?.operation.kind !== "matmul") steps.set(group, first - 1);
  }
  return { steps, awaited, inPlace };
}
