import { ensure, type NdArray, quoted, sizeOf } from "../../core/index.ts";
import type { LazyTensor, TensorGroup, Unreadable } from "./lazy.ts";
import { readPickle } from "./pickle.ts";
import { describe, PyDict, PyGlobal, PyList, PyObject, PyReference, PyTensor, PyTuple, type PyValue } from "./pickle-values.ts";
import { decodeStored, STORED_BYTES, type Stored } from "./stored.ts";
import type { ZipEntry } from "./zip.ts";

const STORAGES: Readonly<Record<string, Stored>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.IntStorage": "I32",
  "torch.LongStorage": "I64",
};

/** Dicts with fewer tensors than this are no model. */
const FEWEST_TENSORS = 3;
/** How deep a state dict may lie in what was saved. */
const DEEPEST = 4;

/** Where a state dict usually lies; looked at first, in this order. */
const USUAL = ["model_state_dict", "state_dict", "model", "module", "net", "network", "params", "parameters", "weights"];

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

/** What calls of PyTorch's own helpers and Python's containers come to. Anything else stays inert. */
function construct(global: PyGlobal, args: readonly PyValue[]): PyValue | undefined {
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
    case "torch.Size":
      return first instanceof PyTuple || first instanceof PyList ? new PyTuple(first.items) : undefined;
    case "torch._utils._rebuild_tensor":
    case "torch._utils._rebuild_tensor_v2":
      if (first === undefined || second === undefined || third === undefined || fourth === undefined) return undefined;
      return new PyTensor(first, second, third, fourth);
    case "torch._utils._rebuild_parameter":
    case "torch._utils._rebuild_parameter_with_state":
    case "torch.nn.parameter.Parameter":
    case "torch.nn.parameter.Buffer":
      return first instanceof PyTensor ? first : undefined;
    case "torch._tensor._rebuild_from_type_v2":
      return first instanceof PyGlobal && third instanceof PyTuple ? construct(first, third.items) : undefined;
    default:
      return undefined;
  }
}

const isSize = (value: PyValue | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function sizes(value: PyValue, what: string, here: string): number[] {
  const items = value instanceof PyTuple || value instanceof PyList ? value.items : [undefined];
  ensure(items.every(isSize), "input", () => `${here}: its ${what} must be non-negative integers, got ${describe(value)}`);
  return items as number[];
}

/** The elements of a strided view, copied in row-major order. `data` begins at the view's first element. */
function gather(data: NdArray, shape: readonly number[], stride: readonly number[]): NdArray {
  const count = sizeOf(shape);
  const make = { float32: Float32Array, float64: Float64Array, int32: Int32Array }[data.dtype];
  const target = new make(count);
  const index = shape.map(() => 0);
  let place = 0;
  for (let i = 0; i < count; i++) {
    target[i] = data.data[place] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += stride[axis] as number;
      const next = (index[axis] as number) + 1;
      index[axis] = next;
      if (next < (shape[axis] as number)) break;
      place -= next * (stride[axis] as number);
      index[axis] = 0;
    }
  }
  return { ...data, shape, data: target } as NdArray;
}

interface Archive {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** The folder inside the archive that everything lies in, with its slash. */
  readonly root: string;
  readonly where: string;
}

/** A tensor's view and storage, checked against each other and against the archive. */
function resolve(tensor: PyTensor, archive: Archive, here: string): LazyTensor | Unreadable {
  const id = tensor.storage instanceof PyReference ? tensor.storage.id : undefined;
  const [kind, type, key, , count] = id instanceof PyTuple ? id.items : [];
  ensure(
    kind === "storage" && type instanceof PyGlobal && typeof key === "string" && isSize(count),
    "input",
    () => `${here}: must refer to a storage of the archive, refers to ${describe(tensor.storage)}`,
  );
  const stored = Object.hasOwn(STORAGES, type.path) ? STORAGES[type.path] : undefined;
  // A mask of booleans, say, is nothing that a model needs.
  if (!stored) return { unreadable: `a tensor in storage of kind ${quoted(type.path)}` };
  const bytes = STORED_BYTES[stored];
  const entry = archive.entries.get(`${archive.root}data/${key}`);
  ensure(entry, "input", () => `${here}: its storage ${quoted(key)} must be in the archive, and is not`);
  ensure(
    entry.size === count * bytes,
    "input",
    () => `${here}: its storage of ${count} elements must have ${count * bytes} bytes, has ${entry.size}`,
  );
  const shape = sizes(tensor.size, "shape", here);
  const stride = sizes(tensor.stride, "strides", here);
  const { offset } = tensor;
  ensure(isSize(offset), "input", () => `${here}: its offset must be a non-negative integer, got ${describe(offset)}`);
  ensure(
    shape.length === stride.length,
    "input",
    () => `${here}: must have a stride for each of ${shape.length} axes, has ${stride.length}`,
  );
  const total = sizeOf(shape);
  const span = total === 0 ? 0 : shape.reduce((sum, n, axis) => sum + (n - 1) * (stride[axis] as number), 1);
  ensure(
    total <= count && offset + span <= count,
    "input",
    () =>
      `${here}: shape [${shape.join(", ")}], strides [${stride.join(", ")}] and offset ${offset} must stay within the storage's ${count} elements`,
  );
  const read = () => {
    const part = entry.read().subarray(offset * bytes, (offset + span) * bytes);
    return gather(decodeStored(stored, part, [span], here), shape, stride);
  };
  return { shape, read };
}

function tensorsIn(dict: PyDict, source: string, archive: Archive): Map<string, LazyTensor | Unreadable> {
  const tensors = new Map<string, LazyTensor | Unreadable>();
  for (const [key, value] of dict.entries) {
    if (typeof key !== "string") continue;
    if (value instanceof PyObject) tensors.set(key, { unreadable: describe(value) });
    if (!(value instanceof PyTensor)) continue;
    const path = source === "" ? key : `${source}.${key}`;
    tensors.set(key, resolve(value, archive, `${archive.where}: tensor ${quoted(path)}`));
  }
  return tensors;
}

function usualFirst(dict: PyDict): [string, PyValue][] {
  const rank = (key: string) => (USUAL.includes(key) ? USUAL.indexOf(key) : USUAL.length);
  const named = [...dict.entries].flatMap(([key, value]) => (typeof key === "string" ? [[key, value] as [string, PyValue]] : []));
  return named.sort(([a], [b]) => rank(a) - rank(b));
}

/** Every dict of tensors in what was saved, outer ones and usual names first; of a list, its last element. */
function findGroups(root: PyValue, archive: Archive): TensorGroup[] {
  const groups: TensorGroup[] = [];
  const seen = new Set<PyValue>();
  let level: [string, PyValue][] = [["", root]];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: [string, PyValue][] = [];
    for (const [source, value] of level) {
      if (seen.has(value)) continue;
      seen.add(value);
      const prefix = source === "" ? "" : `${source}.`;
      if (value instanceof PyList || value instanceof PyTuple) {
        const last = value.items.at(-1);
        if (last !== undefined) next.push([`${prefix}${value.items.length - 1}`, last]);
      } else if (value instanceof PyDict) {
        const count = [...value.entries.values()].filter((entry) => entry instanceof PyTensor).length;
        if (count >= FEWEST_TENSORS) groups.push({ source, tensors: tensorsIn(value, source, archive) });
        for (const [key, entry] of usualFirst(value)) next.push([`${prefix}${key}`, entry]);
      }
    }
    level = next;
  }
  return groups;
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
 * The dicts of tensors in a PyTorch archive (`.pth`, `.pt`; PyTorch ≥ 1.6). Its pickle is read as data and never executed: of
 * globals only tensors, parameters and Python's containers are known, any other is an inert object.
 *
 * @param where - the archive's name, for errors.
 * @throws where a tensor's shape, strides or storage do not fit the archive, or it holds no dict of tensors.
 */
export function decodeTorch(entries: ReadonlyMap<string, ZipEntry>, where: string): TensorGroup[] {
  const name = pickleOf(entries);
  const pickle = name === undefined ? undefined : entries.get(name);
  ensure(name !== undefined && pickle, "input", () => `${where}: a PyTorch archive must hold data.pkl, and does not`);
  const root = name.slice(0, -"data.pkl".length);
  const order = entries.get(`${root}byteorder`);
  if (order) {
    const text = new TextDecoder().decode(order.read());
    ensure(text === "little", "input", () => `${where}: must be little-endian, is ${quoted(text)}`);
  }
  const value = readPickle(pickle.read(), where, construct);
  const groups = findGroups(value, { entries, root, where });
  ensure(
    groups.length > 0,
    "input",
    () =>
      `${where}: must hold a state dict of tensors, holds ${describe(value)}${value instanceof PyObject ? " (save model.state_dict() instead of the model)" : ""}`,
  );
  return groups;
}
