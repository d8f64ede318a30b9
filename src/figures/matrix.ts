import { at, ensure } from "../core/index.ts";
import { type Coloring, colorDomain, palette } from "./palette.ts";
import { encodePng, pngDataUri } from "./png.ts";

/** A matrix as it is drawn: [rows][columns], or row by row with its number of columns. */
export type Matrix = readonly (readonly number[])[] | { readonly data: ArrayLike<number>; readonly columns: number };

/** Columns, rows, and the entries row by row. */
export interface FlatMatrix {
  readonly columns: number;
  readonly rows: number;
  readonly data: ArrayLike<number>;
}

/** The entries of a matrix row by row; throws where rows differ in length. */
export function flatMatrix(matrix: Matrix): FlatMatrix {
  if ("data" in matrix) {
    const rows = matrix.data.length / matrix.columns;
    ensure(Number.isInteger(rows), "input", () => `image: ${matrix.data.length} values must fill rows of ${matrix.columns}`);
    return { columns: matrix.columns, rows, data: matrix.data };
  }
  const columns = matrix[0]?.length ?? 0;
  const ragged = matrix.findIndex((row) => row.length !== columns);
  ensure(ragged < 0, "input", () => `image: every row must have ${columns} values, row ${ragged} has ${matrix[ragged]?.length}`);
  return { columns, rows: matrix.length, data: matrix.flat() };
}

/** Each value's level of `levels` over `domain`, clamped. */
export function quantise(data: ArrayLike<number>, domain: readonly [number, number], levels: number): Uint8Array {
  const [low, high] = domain;
  const scale = (levels - 1) / (high - low);
  return Uint8Array.from(data, (value) => Math.round(Math.min(levels - 1, Math.max(0, (value - low) * scale))));
}

/** A matrix as a PNG data URI, one pixel an entry, colored over `domain`; the same bytes for the same input. */
export function matrixPng(matrix: FlatMatrix, coloring: Coloring, domain: readonly [number, number], levels = 256): string {
  return pngDataUri(encodePng(quantise(matrix.data, domain, levels), matrix.columns, matrix.rows, palette(coloring, levels)));
}

/** The smallest and largest of many matrices' entries, as the common domain of images that are compared. */
export function commonDomain(matrices: readonly Matrix[], coloring: Coloring = "magnitude"): readonly [number, number] {
  const ends = matrices.map((matrix) => {
    const { data } = flatMatrix(matrix);
    let [low, high] = [at(data, 0), at(data, 0)];
    for (let i = 1; i < data.length; i++) {
      low = Math.min(low, at(data, i));
      high = Math.max(high, at(data, i));
    }
    return [low, high];
  });
  return colorDomain(coloring, ends.flat());
}
