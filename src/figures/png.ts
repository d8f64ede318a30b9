import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const typed = joined([Uint8Array.from(type, (letter) => letter.charCodeAt(0)), body]);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, body.length);
  ends.setUint32(4, crc32(typed));
  return joined([new Uint8Array(ends.buffer, 0, 4), typed, new Uint8Array(ends.buffer, 4)]);
}

/**
 * An indexed PNG (8 bits a pixel, filter 0), the same bytes for the same input.
 *
 * @param pixels palette indices, row by row, [height·width].
 * @param colors RGB triples, [levels·3], at most 256 levels.
 */
export function encodePng(pixels: Uint8Array, width: number, height: number, colors: Uint8Array): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 3, 0, 0, 0], 8); // depth 8, color type 3 (indexed)
  const lines = new Uint8Array((width + 1) * height);
  for (let row = 0; row < height; row++) lines.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  const data = deflateSync(lines, { level: 9 });
  return joined([SIGNATURE, chunk("IHDR", header), chunk("PLTE", colors), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))]);
}

/** Bytes per call of String.fromCharCode, whose arguments go on the stack. */
const CHUNK = 8192;

/** A PNG as a data URI. */
export function pngDataUri(png: Uint8Array): string {
  let text = "";
  for (let i = 0; i < png.length; i += CHUNK) text += String.fromCharCode(...png.subarray(i, i + CHUNK));
  return `data:image/png;base64,${btoa(text)}`;
}
