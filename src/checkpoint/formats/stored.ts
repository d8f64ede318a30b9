import { type DataOf, type DType, ensure, type NdArray } from "../../core/index.ts";
import { elementsOf } from "../bytes.ts";
import { decodeBfloat16, decodeHalf } from "./half.ts";

/** Element types that files hold, by safetensors's names, with their size in bytes. */
export const STORED_BYTES = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2 } as const;

/** An element type that files hold. */
export type Stored = keyof typeof STORED_BYTES;

/** Little-endian int64 as int32; throws where one does not fit. */
function decodeInt64(bytes: Uint8Array, where: string): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.byteLength / 8 }, (_, i) => {
    const value = view.getBigInt64(8 * i, true);
    ensure(value === BigInt.asIntN(32, value), "input", () => `${where}: every entry must fit 32 bits, got ${value} at ${i}`);
    return Number(value);
  });
}

/**
 * Little-endian elements as an array: F16 and BF16 become float32, I64 becomes int32. `bytes` must be exactly the elements of
 * `shape`.
 */
export function decodeStored(stored: Stored, bytes: Uint8Array, shape: readonly number[], where: string): NdArray {
  const make = <D extends DType>(dtype: D, data: DataOf[D]): NdArray<D> => ({ dtype, shape, data });
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
      return make("int32", decodeInt64(bytes, where));
    default:
      return stored satisfies never;
  }
}
