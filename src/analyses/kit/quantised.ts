import { ensure } from "../../core/index.ts";

/** A matrix in one byte an entry: entry = low + (high − low)·byte/255, row by row, base64. */
export type Quantised = { columns: number; low: number; high: number; bytes: string };

/** Bytes per call of String.fromCharCode, whose arguments go on the stack. */
const CHUNK = 8192;

/** A row-major matrix to 1/255 of its range. */
export function quantised(values: ArrayLike<number>, columns: number): Quantised {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i] as number);
    high = Math.max(high, values[i] as number);
  }
  ensure(low <= high, "input", () => "quantised: needs at least one entry, got none");
  const step = high > low ? 255 / (high - low) : 0;
  const bytes = Uint8Array.from(values, (value) => Math.round((value - low) * step));
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return { columns, low, high, bytes: btoa(text) };
}

/** The entries of a quantised matrix, row by row. */
export function dequantised({ low, high, bytes }: Quantised): Float64Array {
  const text = atob(bytes);
  return Float64Array.from({ length: text.length }, (_, i) => low + ((high - low) * text.charCodeAt(i)) / 255);
}
