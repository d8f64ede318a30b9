import { ensure, type NdArray, quoted, sizeOf } from "../../core/index.ts";
import type { LazyTensor, Unreadable } from "./lazy.ts";
import { describe, PyGlobal, PyList, PyReference, type PyTensor, PyTuple, type PyValue } from "./pickle-values.ts";
import { decodeStored, isIntegral, MAX_AXES, STORED_BYTES, type Stored, swapped } from "./stored.ts";
import type { ZipEntry } from "./zip.ts";

const STORAGES: Readonly<Record<string, Stored>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.IntStorage": "I32",
  "torch.LongStorage": "I64",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

/** A view may repeat its storage's elements (`expand`); more than this it may not make of them. */
const MAX_REPEATED = 2 ** 22;

const isSize = (value: PyValue | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function sizes(value: PyValue, what: string, here: string): number[] {
  const items = value instanceof PyTuple || value instanceof PyList ? value.items : [undefined];
  ensure(
    items.length <= MAX_AXES && items.every(isSize),
    "input",
    () => `${here}: its ${what} must be at most ${MAX_AXES} non-negative integers, got ${describe(value)}`,
  );
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

/** A PyTorch archive. */
export interface Archive {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** The folder inside the archive that everything lies in, with its slash. */
  readonly root: string;
  readonly where: string;
  /** Whether its storages are big-endian, as machines such as s390x write them. */
  readonly big: boolean;
}

/** A tensor's view and storage, checked against each other and against the archive. */
export function resolveTensor(tensor: PyTensor, archive: Archive, here: string): LazyTensor | Unreadable {
  const id = tensor.storage instanceof PyReference ? tensor.storage.id : undefined;
  const [kind, type, key, , count] = id instanceof PyTuple ? id.items : [];
  ensure(
    kind === "storage" && type instanceof PyGlobal && typeof key === "string" && isSize(count),
    "input",
    () => `${here}: must refer to a storage of the archive, refers to ${describe(tensor.storage)}`,
  );
  const stored = Object.hasOwn(STORAGES, type.path) ? STORAGES[type.path] : undefined;
  if (!stored) return { unreadable: `a tensor in storage of kind ${quoted(type.path)}`, tensor: true };
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
  // Where a stride is 0 all elements along its axis are one.
  const span = total === 0 ? 0 : shape.reduce((sum, n, axis) => sum + (n - 1) * (stride[axis] as number), 1);
  const stated = () => `shape [${shape.join(", ")}], strides [${stride.join(", ")}] and offset ${offset}`;
  ensure(offset + span <= count, "input", () => `${here}: ${stated()} must stay within the storage's ${count} elements`);
  ensure(
    total <= Math.max(count, MAX_REPEATED),
    "input",
    () => `${here}: ${stated()} must not make ${total} elements of the storage's ${count}`,
  );
  const read = () => {
    const part = entry.read().subarray(offset * bytes, (offset + span) * bytes);
    const array = gather(decodeStored(stored, archive.big ? swapped(part, bytes) : part, [span], here), shape, stride);
    if (tensor.negative) for (const [i, value] of array.data.entries()) array.data[i] = -value;
    return array;
  };
  return { shape, integral: isIntegral(stored), read };
}
