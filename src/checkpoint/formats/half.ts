import { at, ensure } from "../../core/index.ts";

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of the IEEE half nearest to `value` (ties to even); infinity above 65,519. */
export function toHalfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 a half is a multiple of 2^-24, so that rounding is that of an integer.
    const scaled = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    return sign | (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor);
  }
  // A carry out of the mantissa rightly raises the exponent.
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The value of an IEEE half. */
export function fromHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** Floats as little-endian halves; throws where one is too large for a half. */
export function encodeHalf(data: ArrayLike<number>, where: string): Uint8Array {
  const bytes = new Uint8Array(data.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) {
    const value = at(data, i);
    const bits = toHalfBits(value);
    ensure(
      (bits & 0x7fff) !== 0x7c00,
      "input",
      () => `${where}: every entry must be below 65,520 to be stored as a half, got ${value} at ${i}`,
    );
    view.setUint16(2 * i, bits, true);
  }
  return bytes;
}

/** The value of every half, by its bits; made when the first is read. */
let values: Float32Array | undefined;

/** Little-endian halves as floats. */
export function decodeHalf(bytes: Uint8Array): Float32Array {
  values ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromHalfBits(bits));
  const out = new Float32Array(bytes.byteLength / 2);
  for (let i = 0; i < out.length; i++) out[i] = values[(bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8)] as number;
  return out;
}

/** Little-endian bfloat16 as floats. */
export function decodeBfloat16(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = Uint32Array.from({ length: bytes.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true) << 16);
  return new Float32Array(bits.buffer);
}
