/**
 * Python that saves a tree of arrays (dicts in dicts, as JAX's libraries have their parameters) so that it is read: flat, under
 * dotted names.
 *
 * @param tree - the expression that gives it.
 */
export function savesFlat(tree: string): string {
  return `f = lambda t, n="": sum([f(t[i], f"{n}.{i}") for i in t], []) if hasattr(t, "keys") else [(n, t)]; numpy.savez("model.npz", **dict(f(${tree})))`;
}
