import { createHash } from "node:crypto";
import { endianness } from "node:os";
import { type DataOf, type DType, ensure, type NdArray } from "../core/index.ts";

function ensureLittleEndian(where: string): void {
  ensure(endianness() === "LE", "runtime", () => `${where}: needs a little-endian machine, this one is big-endian`);
}

/** The elements of an array as little-endian bytes: a view on the same memory. */
export function bytesOf(array: NdArray, where: string): Uint8Array {
  ensureLittleEndian(where);
  return new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength);
}

/** Little-endian elements copied out of `bytes`; at any alignment. */
export function elementsOf<D extends DType>(dtype: D, bytes: Uint8Array, where: string): DataOf[D] {
  ensureLittleEndian(where);
  const { buffer } = Uint8Array.from(bytes);
  const make: { readonly [K in DType]: () => DataOf[K] } = {
    float32: () => new Float32Array(buffer),
    float64: () => new Float64Array(buffer),
    int32: () => new Int32Array(buffer),
  };
  return make[dtype]();
}

/** The hexadecimal SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What fingerprints a split: the SHA-256 of the training indices as little-endian int32. */
export function splitHash(train: Int32Array): string {
  return sha256(bytesOf({ dtype: "int32", shape: [train.length], data: train }, "split"));
}
