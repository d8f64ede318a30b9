import { ensure, quoted } from "../../core/index.ts";
import type { LazyTensor, Statements, TensorGroup, Unreadable } from "./lazy.ts";
import { readPickle } from "./pickle.ts";
import { describe, PyDict, PyGlobal, PyList, PyObject, PyTensor, PyTuple, type PyValue } from "./pickle-values.ts";
import { attributesOf, DEEPEST_MODULE, moduleOf, named } from "./torch-objects.ts";
import { findStatements } from "./torch-statements.ts";
import { type Archive, resolveTensor } from "./torch-tensor.ts";
import type { ZipEntry } from "./zip.ts";

/** Dicts with fewer tensors than this are no model. */
const FEWEST_TENSORS = 3;
/** How deep a state dict may lie in what was saved. */
const DEEPEST = 4;
/** More names of one dict than this are not followed. */
const MAX_GROUPS = 10_000;
function pairs(list: PyValue | undefined): PyDict | undefined {
  const dict = new PyDict();
  if (list === undefined) return dict;
  if (list instanceof PyDict) {
    for (const [key, value] of list.entries) dict.entries.set(key, value);
    return dict;
  }
  if (!(list instanceof PyList)) return undefined;
  for (const pair of list.items) {
    const [key, value] = pair instanceof PyTuple || pair instanceof PyList ? pair.items : [];
    if (key === undefined || value === undefined) return undefined;
    dict.entries.set(key, value);
  }
  return dict;
}

/** Whether a tensor's metadata have its negation still to be done, as `x.conj().imag` leaves it. */
function isNegative(metadata: PyValue | undefined): boolean {
  return metadata instanceof PyDict && metadata.entries.get("neg") === true;
}

/** What calls of PyTorch's own helpers and Python's containers come to. Anything else stays inert. */
function constructed(global: PyGlobal, args: readonly PyValue[]): PyValue | undefined {
  const [first, second, third, fourth] = args;
  switch (global.path) {
    case "collections.OrderedDict":
    case "builtins.dict":
    case "__builtin__.dict":
      return pairs(first);
    case "collections.defaultdict":
      return pairs(second);
    case "builtins.list":
    case "__builtin__.list":
    case "builtins.set":
    case "__builtin__.set":
    case "builtins.frozenset":
    case "__builtin__.frozenset":
      return first instanceof PyList || first instanceof PyTuple ? new PyList([...first.items]) : undefined;
    case "_codecs.encode":
      return typeof first === "string" && second === "latin1" ? Buffer.from(first, "latin1") : undefined;
    case "torch.Size":
      return first instanceof PyTuple || first instanceof PyList ? new PyTuple(first.items) : undefined;
    case "torch._utils._rebuild_tensor":
    case "torch._utils._rebuild_tensor_v2":
      if (first === undefined || second === undefined || third === undefined || fourth === undefined) return undefined;
      return new PyTensor(first, second, third, fourth, isNegative(args[6]));
    case "torch._utils._rebuild_parameter_with_state":
      // The package mup keeps the width that a parameter's multiplier follows from with the parameter.
      if (fourth instanceof PyDict && fourth.entries.has("infshape")) return undefined;
      return first instanceof PyTensor ? first : undefined;
    case "torch._utils._rebuild_parameter":
    case "torch.nn.parameter.Parameter":
    case "torch.nn.parameter.Buffer":
      return first instanceof PyTensor ? first : undefined;
    case "torch._tensor._rebuild_from_type_v2":
      return rebuilt(first, third);
    default:
      return undefined;
  }
}

/**
 * A tensor of a subclass: rebuilt by the function that it names, unless that names another such call, which could go on for ever.
 */
function rebuilt(by: PyValue | undefined, args: PyValue | undefined): PyValue | undefined {
  const known = by instanceof PyGlobal && by.path !== "torch._tensor._rebuild_from_type_v2" && args instanceof PyTuple;
  return known ? constructed(by, args.items) : undefined;
}

/** Tensors of kinds that are not read, and what makes plain ones of them. */
const OTHER_KINDS: readonly (readonly [path: RegExp, what: string])[] = [
  [/_rebuild_sparse/, "a sparse tensor (save its .to_dense())"],
  [/_rebuild_qtensor/, "a quantised tensor (save its .dequantize())"],
  [/_rebuild_tensor_v3/, "a tensor of a type such as float8 (save its .float())"],
  [/_rebuild_meta_tensor/, "a tensor without values, on the device meta"],
  [
    /_rebuild_parameter_with_state/,
    "a parameter of the package mup, which multiplies logits and attention by factors of its own (fold them into plain weights)",
  ],
  [/_rebuild_nested_tensor/, "a nested tensor (save its .to_padded_tensor(0))"],
];

function isEmptyState(value: PyValue): boolean {
  if (value instanceof PyTensor) return true;
  return (
    value === null ||
    (value instanceof PyDict && value.entries.size === 0) ||
    (value instanceof PyList && value.items.length === 0)
  );
}

function tensorsIn(entries: Iterable<readonly [string, PyValue]>, source: string, archive: Archive) {
  const tensors = new Map<string, LazyTensor | Unreadable>();
  for (const [key, value] of entries) {
    // `_rebuild_tensor_v3`, `_rebuild_qtensor`, `_rebuild_sparse_tensor`: tensors of kinds that are not read.
    if (value instanceof PyObject) {
      const rebuilt = /\._rebuild_/.test(value.global.path);
      const kind = OTHER_KINDS.find(([pattern]) => pattern.test(value.global.path))?.[1];
      tensors.set(key, { unreadable: kind ?? describe(value), ...(rebuilt ? { tensor: true } : {}) });
    }
    // What `get_extra_state` returns is used by the module's own code.
    if (/(?:^|\.)_extra_state$/.test(key) && !isEmptyState(value))
      tensors.set(key, { unreadable: "a state of the module's own", tensor: true });
    if (!(value instanceof PyTensor)) continue;
    const path = source === "" ? key : `${source}.${key}`;
    tensors.set(key, resolveTensor(value, archive, `${archive.where}: tensor ${quoted(path)}`));
  }
  return tensors;
}

/** The parameters and buffers of a module that was saved whole, by their dotted names: its state dict, read and not executed. */
function moduleTensors(value: PyValue, prefix: string, depth: number, found: [string, PyValue][], seen: Set<PyValue>): boolean {
  const module = moduleOf(value);
  if (module === undefined || depth > DEEPEST_MODULE || seen.has(value)) return false;
  seen.add(value);
  for (const part of [module.parameters, module.buffers]) {
    for (const [name, tensor] of named(part)) found.push([prefix + name, tensor]);
  }
  for (const [name, child] of named(module.modules)) moduleTensors(child, `${prefix}${name}.`, depth + 1, found, seen);
  return true;
}

const isContainer = (value: PyValue) =>
  value instanceof PyDict || value instanceof PyList || value instanceof PyTuple || value instanceof PyObject;

/** Every dict of tensors in what was saved, outer ones first, and every module. */
function findGroups(root: PyValue, archive: Archive): TensorGroup[] {
  const groups: TensorGroup[] = [];
  const seen = new Set<PyValue>();
  /** Dicts of tensors that were met already: one object under several names is a model under each. */
  const known = new Map<PyValue, TensorGroup["tensors"]>();
  let level: [string, PyValue][] = [["", root]];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: [string, PyValue][] = [];
    for (const [source, value] of level) {
      const again = known.get(value);
      if (again !== undefined && groups.length < MAX_GROUPS) groups.push({ source, tensors: again });
      if (seen.has(value)) continue;
      seen.add(value);
      const prefix = source === "" ? "" : `${source}.`;
      const tensors: [string, PyValue][] = [];
      if (value instanceof PyList || value instanceof PyTuple) {
        for (const [i, item] of value.items.entries()) if (isContainer(item)) next.push([`${prefix}${i}`, item]);
      } else if (value instanceof PyDict) {
        const entries = named(value);
        if (entries.filter(([, entry]) => entry instanceof PyTensor).length >= FEWEST_TENSORS) {
          const found = tensorsIn(entries, source, archive);
          known.set(value, found);
          groups.push({ source, tensors: found });
        }
        for (const [key, entry] of entries) if (isContainer(entry)) next.push([`${prefix}${key}`, entry]);
      } else if (moduleTensors(value, "", 0, tensors, new Set())) {
        groups.push({ source, tensors: tensorsIn(tensors, source, archive) });
      } else {
        // An object that keeps its model as an attribute, such as a trainer.
        const attributes = attributesOf(value);
        if (attributes)
          for (const [key, entry] of named(attributes)) if (isContainer(entry)) next.push([`${prefix}${key}`, entry]);
      }
    }
    level = next;
  }
  return groups;
}

/** Dicts with fewer tensors than this may be parts of one. */
const FEWEST_OF_A_MODEL = 6;

/** A tree of dicts as one group under dotted names, as JAX's libraries keep their parameters; undefined where it is none. */
function treeGroup(root: PyValue, archive: Archive): TensorGroup | undefined {
  const found: [string, PyValue][] = [];
  const seen = new Set<PyValue>();
  let level: [string, PyValue][] = [["", root]];
  for (let depth = 0; depth <= DEEPEST_MODULE && level.length <= MAX_GROUPS; depth++) {
    const next: [string, PyValue][] = [];
    for (const [path, value] of level) {
      if (!(value instanceof PyDict) || seen.has(value)) continue;
      seen.add(value);
      for (const [key, entry] of named(value)) {
        const name = path === "" ? key : `${path}.${key}`;
        if (entry instanceof PyTensor) found.push([name, entry]);
        else next.push([name, entry]);
      }
    }
    level = next;
  }
  return found.length < FEWEST_OF_A_MODEL ? undefined : { source: "", tensors: tensorsIn(found, "", archive) };
}

/** What makes a file that is read of a dict whose values are no tensors of PyTorch's own. */
function adviceFor(value: PyValue, script: boolean): string {
  if (script) return "; it is TorchScript: torch.save(torch.jit.load(file).state_dict(), out)";
  if (value instanceof PyObject) return " (save model.state_dict() instead of the model)";
  if (value instanceof PyList && value.items.some((item) => item instanceof PyTensor))
    return " without names (save model.state_dict())";
  if (!(value instanceof PyDict)) return "";
  const [inner] = [value, ...value.entries.values()].filter((dict) => {
    const values = dict instanceof PyDict ? [...dict.entries.values()] : [];
    return values.filter((entry) => entry instanceof PyObject || entry instanceof PyList).length >= FEWEST_TENSORS;
  });
  if (!(inner instanceof PyDict)) return "";
  const [kind] = [...inner.entries.values()].flatMap((entry) =>
    entry instanceof PyObject ? OTHER_KINDS.filter(([pattern]) => pattern.test(entry.global.path)) : [],
  );
  if (kind !== undefined) return `; its values are each ${kind[1]}`;
  const shards = [...inner.entries.values()].some(
    (entry) => entry instanceof PyObject && /DTensor/.test(entry.global.path + describe(entry.args)),
  );
  const what = shards ? "distributed tensors" : "arrays or lists";
  const whole = shards ? "v.full_tensor()" : "torch.as_tensor(v)";
  return `, of ${what}: in Python, for its dict d, torch.save({k: ${whole} for k, v in d.items()}, out)`;
}

/** The name of a PyTorch archive's pickle: the mark by which one is known. */
function pickleOf(entries: ReadonlyMap<string, ZipEntry>): string | undefined {
  return [...entries.keys()].find((name) => name === "data.pkl" || /^[^/]+\/data\.pkl$/.test(name));
}

/** Whether a zip archive is one of PyTorch's. */
export function isTorch(entries: ReadonlyMap<string, ZipEntry>): boolean {
  return pickleOf(entries) !== undefined;
}

/**
 * The dicts of tensors in a PyTorch archive (`.pth`, `.pt`; PyTorch ≥ 1.6), and what else it says. Its pickle is read as data and
 * never executed: of globals only tensors, parameters and Python's containers are known, any other is an inert object. Of a model
 * that was saved whole the parameters are found among the attributes.
 *
 * @param where - the archive's name, for errors.
 * @throws where a tensor's shape, strides or storage do not fit the archive, or it holds no dict of tensors.
 */
export function decodeTorch(
  entries: ReadonlyMap<string, ZipEntry>,
  where: string,
): { readonly groups: TensorGroup[]; readonly statements: Statements; readonly value: PyValue } {
  const name = pickleOf(entries);
  const pickle = name === undefined ? undefined : entries.get(name);
  ensure(name !== undefined && pickle, "input", () => `${where}: a PyTorch archive must hold data.pkl, and does not`);
  const root = name.slice(0, -"data.pkl".length);
  const stated = entries.get(`${root}byteorder`);
  const order = stated === undefined ? "little" : new TextDecoder().decode(stated.read());
  ensure(order === "little" || order === "big", "input", () => `${where}: must be little- or big-endian, is ${quoted(order)}`);
  const value = readPickle(pickle.read(), where, constructed);
  const archive: Archive = { entries, root, where, big: order === "big" };
  const groups = findGroups(value, archive);
  const tree = groups.some(({ tensors }) => tensors.size >= FEWEST_OF_A_MODEL) ? undefined : treeGroup(value, archive);
  // Only where it has tensors that no group has.
  if (tree !== undefined && tree.tensors.size > groups.reduce((sum, { tensors }) => sum + tensors.size, 0)) groups.push(tree);
  const script = entries.has(`${root}constants.pkl`);
  ensure(
    groups.length > 0,
    "input",
    () => `${where}: must hold a state dict of tensors, holds ${describe(value)}${adviceFor(value, script)}`,
  );
  return { groups, statements: findStatements(value), value };
}
