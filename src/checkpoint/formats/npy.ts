import { type DType, ensure, type NdArray, quoted, sizeOf } from "../../core/index.ts";
import { bytesOf } from "../bytes.ts";
import type { LazyTensor, Unreadable } from "./lazy.ts";
import { savesFlat } from "./python-lines.ts";
import { decodeStored, isIntegral, MAX_AXES, STORED_BYTES, type Stored, swapped } from "./stored.ts";
import { writeZip, type ZipEntry } from "./zip.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Element types by NumPy's letter and size. */
const STORED_AS: Readonly<Record<string, Stored>> = {
  f8: "F64",
  f4: "F32",
  f2: "F16",
  i8: "I64",
  i4: "I32",
  i2: "I16",
  i1: "I8",
  u8: "U64",
  u4: "U32",
  u2: "U16",
  u1: "U8",
  b1: "BOOL",
  V2: "BF16",
};
/** NumPy has no name for JAX's and PyTorch's bfloat16, and saves its bytes as `V2`. */
const BFLOAT16_NOTE =
  'of dtype V2, which is how NumPy saves bfloat16, and read as such; .astype("float32") before saving leaves no doubt';
const WRITTEN_AS = { float64: "<f8", float32: "<f4", int32: "<i4" } as const satisfies Record<DType, string>;

/** NumPy writes the header as a Python dict with these three keys in this order; nothing else is accepted. */
const HEADER =
  /^\s*\{\s*'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(((?:\s*\d{1,15}L?\s*,)*\s*(?:\d{1,15}L?\s*)?)\),?\s*\}\s*$/;

/** What an element type that cannot be read is, and what to do. */
function kindOf(descr: string): string {
  const kind = descr.replace(/^[<>|=]/, "");
  if (kind === "O")
    return "an array of pickled Python objects, which is never executed: save its arrays by themselves, np.savez(file, **arrays)";
  if (/^c\d/.test(kind)) return `an array of complex numbers, ${quoted(descr)}`;
  if (/^[US]\d/.test(kind)) return `an array of text, ${quoted(descr)}`;
  if (/^V1$/.test(kind)) return `an array of raw bytes, ${quoted(descr)}, such as float8: save it as .astype("float32")`;
  return `an array of kind ${quoted(descr)}`;
}

/** The text of an array of one string, such as the name of an activation beside the weights. */
function textOf(kind: string, byteOrder: string | undefined, content: Uint8Array): string | undefined {
  const [, letter, length] = /^([US])(\d{1,5})$/.exec(kind) ?? [];
  if (letter === undefined || length === undefined) return undefined;
  const size = letter === "U" ? 4 : 1;
  if (content.length !== Number(length) * size) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const points = Array.from({ length: Number(length) }, (_, i) =>
    letter === "U" ? view.getUint32(4 * i, byteOrder !== ">") : view.getUint8(i),
  );
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points).replace(/\0+$/, "") : undefined;
}

/** Whether bytes begin as an NPY file. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Elements in column-major order put in row-major order. */
function fromColumnMajor(array: NdArray): NdArray {
  const { shape } = array;
  const target = array.data.slice();
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  for (let i = 0; i < target.length; i++) {
    target[i] = array.data[index.reduce((sum, k, axis) => sum + k * (strides[axis] as number), 0)] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
  return { ...array, data: target } as NdArray;
}

/**
 * A NumPy array file. The header is checked against the bytes there are; what is no array of numbers is left
 * unread: arrays of Python objects above all.
 *
 * @param where - the file's name, for errors.
 */
export function decodeNpy(bytes: Uint8Array, where: string): LazyTensor | Unreadable {
  ensure(isNpy(bytes) && bytes.length >= 12, "input", () => `${where}: an NPY file must begin with its mark and a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  ensure(version >= 1 && version <= 3, "input", () => `${where}: the NPY version must be 1, 2 or 3, got ${version}`);
  const [at, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const start = at + length;
  ensure(
    start <= bytes.length,
    "input",
    () => `${where}: the NPY header must lie within the file, needs ${start} bytes of ${bytes.length}`,
  );
  const text = new TextDecoder("latin1").decode(bytes.subarray(at, Math.min(start, at + 10_000)));
  if (/^\s*\{\s*'descr':\s*[[(]/.test(text)) return { unreadable: "a structured array" };
  const [, descr, order, dims] = HEADER.exec(text) ?? [];
  ensure(
    descr !== undefined && dims !== undefined,
    "input",
    () => `${where}: the NPY header must give one element type, the order and the shape, got ${quoted(text.trim())}`,
  );
  const [, byteOrder, kind = ""] = /^([<>|=]?)(.+)$/s.exec(descr) ?? [];
  const stored = Object.hasOwn(STORED_AS, kind) ? STORED_AS[kind] : undefined;
  if (!stored) {
    const said = /^\s*(?:1\s*,?\s*)?$/.test(dims) ? textOf(kind, byteOrder, bytes.subarray(start)) : undefined;
    return {
      unreadable: kindOf(descr),
      ...(/^(?:c\d|V1$|f16)/.test(kind) ? { tensor: true } : {}),
      ...(said === undefined ? {} : { text: said }),
    };
  }
  const shape = dims.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part.trim().replace("L", ""))]));
  if (shape.length > MAX_AXES) return { unreadable: `an array of ${shape.length} axes` };
  const needed = sizeOf(shape) * STORED_BYTES[stored];
  ensure(
    needed === bytes.length - start,
    "input",
    () =>
      `${where}: shape [${shape.join(", ")}] of ${stored} must fill the file, needs ${needed} bytes, got ${bytes.length - start}`,
  );
  return {
    shape,
    integral: isIntegral(stored),
    boolean: stored === "BOOL",
    ...(kind === "V2" ? { note: BFLOAT16_NOTE } : {}),
    read: () => {
      const fortran = order === "True" && shape.length > 1;
      const content = bytes.subarray(start);
      const little = byteOrder === ">" ? swapped(content, STORED_BYTES[stored]) : content;
      const array = decodeStored(stored, little, shape, where);
      return fortran ? fromColumnMajor(array) : array;
    },
  };
}

/** Why an NPY file by itself is no model, and what makes one of it. */
export function loneArray(bytes: Uint8Array, where: string): string {
  const first = MAGIC.length;
  if (Buffer.from(bytes.subarray(first)).indexOf(Buffer.from(MAGIC)) >= 0)
    return 'holds arrays one after the other, without names, as Equinox writes its leaves: in Python, load it into its model, and numpy.savez("model.npz", **{name: array, …})';
  const array = decodeNpy(bytes, where);
  return "unreadable" in array && /pickled/.test(array.unreadable)
    ? `is one pickled object, which is never executed: in Python, ${savesFlat("numpy.load(FILE, allow_pickle=True).item()")}`
    : "a lone array is no model: give an .npz archive or a folder of .npy files named like tensors";
}

/** An array as an NPY file, version 1. */
export function encodeNpy(array: NdArray): Uint8Array {
  const { shape } = array;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': '${WRITTEN_AS[array.dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const start = new Uint8Array(10 + length).fill(0x20);
  start.set([...MAGIC, 1, 0, length & 0xff, length >> 8]);
  start.set(new TextEncoder().encode(header), 10);
  start[start.length - 1] = 0x0a;
  return Buffer.concat([start, bytesOf(array, "npy")]);
}

/**
 * The arrays of an NPZ archive by name. Of each, the header is read now and the elements when asked for.
 *
 * @param where - the archive's name, for errors.
 */
export function decodeNpz(entries: ReadonlyMap<string, ZipEntry>, where: string): Map<string, LazyTensor | Unreadable> {
  const tensors = new Map<string, LazyTensor | Unreadable>();
  for (const entry of entries.values()) {
    if (!entry.name.endsWith(".npy")) continue;
    const name = entry.name.slice(0, -".npy".length);
    tensors.set(name, decodeNpy(entry.read(), `${where}: ${quoted(name)}`));
  }
  return tensors;
}

/** Arrays by name as an NPZ archive, uncompressed; the same arrays give the same bytes. */
export function encodeNpz(tensors: ReadonlyMap<string, NdArray>): Uint8Array {
  return writeZip(new Map([...tensors].map(([name, array]) => [`${name}.npy`, encodeNpy(array)])));
}
