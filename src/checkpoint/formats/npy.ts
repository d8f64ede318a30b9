import { type DType, ensure, type NdArray, quoted, sizeOf } from "../../core/index.ts";
import { bytesOf } from "../bytes.ts";
import type { LazyTensor, Unreadable } from "./lazy.ts";
import { decodeStored, STORED_BYTES, type Stored } from "./stored.ts";
import { writeZip, type ZipEntry } from "./zip.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const STORED_AS: Readonly<Record<string, Stored>> = { "<f8": "F64", "<f4": "F32", "<f2": "F16", "<i4": "I32", "<i8": "I64" };
const WRITTEN_AS = { float64: "<f8", float32: "<f4", int32: "<i4" } as const satisfies Record<DType, string>;

/** NumPy writes the header as a Python dict with these three keys in this order; nothing else is accepted. */
const HEADER =
  /^\s*\{\s*'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(((?:\s*\d{1,15}L?\s*,)*\s*(?:\d{1,15}L?\s*)?)\),?\s*\}\s*$/;

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
  const [, descr, order, dims] = HEADER.exec(text) ?? [];
  ensure(
    descr !== undefined && dims !== undefined,
    "input",
    () => `${where}: the NPY header must give one element type, the order and the shape, got ${quoted(text.trim())}`,
  );
  const stored = Object.hasOwn(STORED_AS, descr) ? STORED_AS[descr] : undefined;
  if (!stored) return { unreadable: `an array of kind ${quoted(descr)}` };
  const shape = dims.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part.trim().replace("L", ""))]));
  const needed = sizeOf(shape) * STORED_BYTES[stored];
  ensure(
    needed === bytes.length - start,
    "input",
    () =>
      `${where}: shape [${shape.join(", ")}] of ${stored} must fill the file, needs ${needed} bytes, got ${bytes.length - start}`,
  );
  return {
    shape,
    read: () => {
      const fortran = order === "True" && shape.length > 1;
      const array = decodeStored(stored, bytes.subarray(start), shape, where);
      return fortran ? fromColumnMajor(array) : array;
    },
  };
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
 * The arrays of an NPZ archive by name.
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
