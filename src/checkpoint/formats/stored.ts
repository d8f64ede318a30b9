import { type DataOf, type DType, ensure, type NdArray } from "../../core/index.ts";
import { elementsOf } from "../bytes.ts";
import { decodeBfloat16, decodeHalf } from "./half.ts";

/** Element types that files hold, by safetensors's names, with their size in bytes. */
export const STORED_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

/** An element type that files hold. */
export type Stored = keyof typeof STORED_BYTES;

/** Whether elements of a type are integers or truth values: counters, indices and masks rather than weights. */
export function isIntegral(stored: Stored): boolean {
  return !["F64", "F32", "F16", "BF16"].includes(stored);
}

/** No tensor of a model needs more axes, those of length 1 included; with more, what loops over pairs of axes takes forever. */
export const MAX_AXES = 8;

/** Elements in the other byte order. */
export function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const target = Uint8Array.from(bytes);
  for (let start = 0; start < target.length; start += size) target.subarray(start, start + size).reverse();
  return target;
}

/** Little-endian 64-bit integers as int32; throws where one does not fit. */
function decodeInt64(bytes: Uint8Array, signed: boolean, where: string): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.byteLength / 8 }, (_, i) => {
    const value = signed ? view.getBigInt64(8 * i, true) : view.getBigUint64(8 * i, true);
    ensure(value === BigInt.asIntN(32, value), "input", () => `${where}: every entry must fit 32 bits, got ${value} at ${i}`);
    return Number(value);
  });
}

function decodeUint32(bytes: Uint8Array, where: string): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.byteLength / 4 }, (_, i) => {
    const value = view.getUint32(4 * i, true);
    ensure(value < 2 ** 31, "input", () => `${where}: every entry must fit 32 bits with a sign, got ${value} at ${i}`);
    return value;
  });
}

/**
 * Little-endian elements as an array: F16 and BF16 become float32, integers and truth values int32. `bytes` must be exactly the
 * elements of `shape`.
 */
export function decodeStored(stored: Stored, bytes: Uint8Array, shape: readonly number[], where: string): NdArray {
  const make = <D extends DType>(dtype: D, data: DataOf[D]): NdArray<D> => ({ dtype, shape, data });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (stored) {
    case "F32":
      return make("float32", elementsOf("float32", bytes, where));
    case "F64":
      return make("float64", elementsOf("float64", bytes, where));
    case "I32":
      return make("int32", elementsOf("int32", bytes, where));
    case "F16":
      return make("float32", decodeHalf(bytes));
    case "BF16":
      return make("float32", decodeBfloat16(bytes));
    case "I64":
    case "U64":
      return make("int32", decodeInt64(bytes, stored === "I64", where));
    case "U32":
      return make("int32", decodeUint32(bytes, where));
    case "I16":
      return make(
        "int32",
        Int32Array.from({ length: bytes.byteLength / 2 }, (_, i) => view.getInt16(2 * i, true)),
      );
    case "U16":
      return make(
        "int32",
        Int32Array.from({ length: bytes.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true)),
      );
    case "I8":
      return make("int32", Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    case "U8":
    case "BOOL":
      return make("int32", Int32Array.from(bytes));
    default:
      return stored satisfies never;
  }
}
