import { sizeOf } from "../../core/index.ts";
import { isInline, isLiteral, isView, type Tensor, unshaped } from "./graph.ts";
import { isAligned } from "./shader.ts";

/** What one kernel computes. */
export interface Group {
  /** The tensors that it stores, in the order in which they are computed. */
  readonly roots: Tensor[];
  /** The product, sum or other tensor that it is built around; what follows it element by element is computed on the way out. */
  readonly core: Tensor | undefined;
}

/** A program cut into kernels. */
export interface Fusion {
  readonly groups: readonly Group[];
  /** Tensors with memory: inputs, constants, and every group's roots. */
  readonly stored: ReadonlySet<Tensor>;
}

/** How many things a kernel can be bound to, and which tensors share one binding. */
export interface Bindings {
  readonly limit: number;
  readonly key: (tensor: Tensor) => unknown;
}

/** A tensor this many times as large as its operand would compute the operand's entries over and over. */
const BLOW_UP = 4;

/** Every tensor that the outputs depend on, arguments first. */
function reachable(outputs: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>();
  const visit = (tensor: Tensor): void => {
    if (seen.has(tensor)) return;
    for (const arg of tensor.args) visit(arg);
    seen.add(tensor);
  };
  for (const output of outputs) visit(output);
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Who uses a tensor, itself or under another shape. */
function usersOf(tensors: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const users = new Map<Tensor, Tensor[]>(tensors.map((tensor) => [tensor, []]));
  for (const user of tensors) {
    if (user.operation.kind === "reshape") continue;
    for (const arg of new Set(user.args.map(unshaped))) users.get(arg)?.push(user);
  }
  return users;
}

const hasOwnMemory = (tensor: Tensor) => tensor.operation.kind === "input" || tensor.operation.kind === "constant";

/** Decides which tensors get memory, and which of them are computed on the way out of a product or a sum. */
function choose(
  tensors: readonly Tensor[],
  users: ReadonlyMap<Tensor, readonly Tensor[]>,
  outputs: ReadonlySet<Tensor>,
  { limit, key }: Bindings,
) {
  const stored = new Set<Tensor>();
  const cheap = new Set<Tensor>();
  for (const tensor of tensors) {
    const { kind } = tensor.operation;
    if (kind === "matmul") for (const arg of tensor.args) stored.add(unshaped(arg));
    if (kind === "putColumns") {
      // Its first argument is overwritten in place; whoever reads it must have done so before.
      const [overwritten] = tensor.args.map(unshaped);
      if (overwritten === undefined) continue;
      stored.add(overwritten);
      for (const user of users.get(overwritten) ?? []) stored.add(user);
    }
  }
  const bound = new Map<Tensor, ReadonlySet<unknown>>();
  const boundBy = (arg: Tensor): ReadonlySet<unknown> =>
    stored.has(arg) || hasOwnMemory(arg) ? new Set(isLiteral(arg) ? [] : [key(arg)]) : (bound.get(arg) ?? new Set());
  for (const tensor of tensors) {
    if (tensor.operation.kind === "reshape" || isLiteral(tensor)) continue;
    const uses = users.get(tensor) ?? [];
    const free = (arg: Tensor) => stored.has(unshaped(arg)) || cheap.has(unshaped(arg)) || isLiteral(arg);
    if (tensor.operation.kind === "mask" || (isView(tensor) && tensor.args.every(free))) cheap.add(tensor);
    // What is put into a matrix is computed once for each place, not for each entry of the matrix.
    const readers = uses.filter((user) => user.operation.kind !== "putColumns");
    const blownUp = readers.some((user) => sizeOf(user.shape) >= BLOW_UP * sizeOf(tensor.shape));
    const repeated = (uses.length > 1 || blownUp) && !cheap.has(tensor);
    if (!isInline(tensor) || outputs.has(tensor) || repeated) stored.add(tensor);
    // What reads more than a kernel can be bound to reads some of it from memory instead of computing it.
    const args = [...new Set(tensor.args.map(unshaped))].sort((a, b) => boundBy(b).size - boundBy(a).size);
    const all = () => new Set(args.flatMap((arg) => [...boundBy(arg)]));
    for (const arg of args) if (all().size >= limit && boundBy(arg).size > 1) stored.add(arg);
    bound.set(tensor, all());
  }
  return stored;
}

/** For each tensor that a product or sum is finished into: that product or sum. */
function epilogues(
  tensors: readonly Tensor[],
  users: ReadonlyMap<Tensor, readonly Tensor[]>,
  outputs: ReadonlySet<Tensor>,
): { cores: Map<Tensor, Tensor>; within: Set<Tensor> } {
  const cores = new Map<Tensor, Tensor>();
  const within = new Set<Tensor>();
  for (const core of tensors) {
    if (!["matmul", "sum", "sumByRow"].includes(core.operation.kind)) continue;
    const chain = [core];
    for (;;) {
      const last = chain.at(-1) as Tensor;
      const [user, ...others] = users.get(last) ?? [];
      if (user === undefined || others.length > 0 || outputs.has(last) || user.operation.kind !== "elementwise") break;
      if (!isAligned(user, last) || within.has(user) || cores.has(user)) break;
      chain.push(user);
    }
    const root = chain.at(-1) as Tensor;
    for (const each of chain) if (each !== root) within.add(each);
    cores.set(root, core);
  }
  return { cores, within };
}

/** Looks at what the computation of a tensor's entries reads: stored tensors, and whether at the same flat index. */
export function reads(
  tensor: Tensor,
  isStored: (tensor: Tensor) => boolean,
  see: (tensor: Tensor, aligned: boolean) => void,
  aligned = true,
): void {
  for (const arg of tensor.args) {
    const base = unshaped(arg);
    if (isLiteral(base)) continue;
    const same = aligned && isAligned(tensor, arg);
    if (isStored(base)) see(base, same);
    else reads(base, isStored, see, same);
  }
}

/** Joins element-wise kernels of one shape that share what they read, as far as what they are bound to stays within the limit. */
function join(groups: readonly Group[], stored: ReadonlySet<Tensor>, outputs: ReadonlySet<Tensor>, bindings: Bindings): Group[] {
  const home = new Map<Tensor, Group>();
  const joined: Group[] = [];
  const isStored = (tensor: Tensor) => stored.has(tensor);
  const read = new Map<Tensor, Set<Tensor>>();
  const readers = new Map<Tensor, Set<Tensor>>();
  for (const root of groups.flatMap((group) => group.roots)) {
    const seen = new Set<Tensor>();
    reads(root, isStored, (tensor) => {
      seen.add(tensor);
      readers.set(tensor, (readers.get(tensor) ?? new Set()).add(root));
    });
    read.set(root, seen);
  }
  const readBy = (roots: readonly Tensor[]) => new Set(roots.flatMap((root) => [...(read.get(root) ?? [])]));
  const boundBy = (roots: readonly Tensor[]): number => {
    const kept = roots.filter(
      (root) => outputs.has(root) || [...(readers.get(root) ?? [])].some((reader) => !roots.includes(reader)),
    );
    const leaves = [...readBy(roots)].filter((tensor) => !roots.includes(tensor));
    return new Set([...kept, ...leaves].map(bindings.key)).size;
  };
  /** Whether computing `from` waits for `group`, other than by reading it directly at the same index. */
  const waitsFor = (from: Tensor, group: Group): boolean => {
    const seen = new Set<Group>();
    const visit = (tensor: Tensor): boolean => {
      const own = home.get(tensor);
      if (own === group) return true;
      if (own === undefined || seen.has(own)) return false;
      seen.add(own);
      return [...readBy(own.roots)].some(visit);
    };
    let waits = false;
    reads(from, isStored, (tensor, aligned) => {
      if (home.get(tensor) === group ? !aligned : visit(tensor)) waits = true;
    });
    return waits;
  };
  for (const group of groups) {
    const [root] = group.roots;
    let target: Group | undefined;
    if (group.core === undefined && root !== undefined) {
      const own = [...readBy(group.roots)].filter((tensor) => sizeOf(tensor.shape) === sizeOf(root.shape));
      target = joined.findLast((other) => {
        const [first] = other.roots;
        if (first === undefined || other.core !== undefined || sizeOf(first.shape) !== sizeOf(root.shape)) return false;
        const theirs = readBy(other.roots);
        const related = own.some((tensor) => theirs.has(tensor) || home.get(tensor) === other);
        return related && boundBy([...other.roots, root]) <= bindings.limit && !waitsFor(root, other);
      });
    }
    if (target === undefined) joined.push(group);
    else target.roots.push(...group.roots);
    for (const each of group.roots) home.set(each, target ?? group);
  }
  return joined;
}

/**
 * Cuts a program into kernels. A product, sum, softmax or scatter is a kernel of its own; what follows a product or sum element
 * by element joins it; other element-wise chains are computed where they are read, or, where they are read more than once, in
 * kernels that compute everything of one shape together.
 */
export function fuse(outputTensors: readonly Tensor[], bindings: Bindings): Fusion {
  const tensors = reachable(outputTensors);
  const users = usersOf(tensors);
  const outputs = new Set(outputTensors.map(unshaped));
  const stored = choose(tensors, users, outputs, bindings);
  const { cores, within } = epilogues(tensors, users, outputs);
  for (const tensor of within) stored.delete(tensor);
  for (const root of cores.keys()) stored.add(root);
  const groups: Group[] = [];
  for (const tensor of tensors) {
    if (!stored.has(tensor) || hasOwnMemory(tensor)) continue;
    const core = cores.get(tensor) ?? (isInline(tensor) ? undefined : tensor);
    groups.push({ roots: [tensor], core });
  }
  const joined = join(groups, stored, outputs, bindings);
  // What only its own kernel reads needs no memory.
  const isStored = (tensor: Tensor) => stored.has(tensor);
  const wanted = new Set<Tensor>(outputs);
  for (const group of joined) {
    for (const root of group.roots) {
      reads(root, isStored, (tensor) => {
        if (!group.roots.includes(tensor)) wanted.add(tensor);
      });
    }
  }
  for (const group of joined) {
    if (group.core !== undefined) continue;
    for (const root of [...group.roots]) {
      if (wanted.has(root)) continue;
      stored.delete(root);
      group.roots.splice(group.roots.indexOf(root), 1);
    }
  }
  return { groups: joined.filter((group) => group.roots.length > 0), stored };
}
