import { epochColumns } from "./epochs.ts";
import { type FlatMatrix, matrixPng } from "./matrix.ts";
import type { Coloring } from "./palette.ts";
import type { Row } from "./panel.ts";

/** One axis of a grid. */
export interface GridAxis {
  /** The field of the grid's rows that says where on the axis a cell is. */
  readonly field: string;
  /** What it says, cell by cell. */
  readonly names: readonly (string | number)[];
  /** Where the grid begins and ends on the axis's scale. */
  readonly low: number;
  readonly high: number;
  /** Ticks of an axis over epochs: each cell reaches to the next one, so that cells differ in width. */
  readonly ticks?: readonly number[];
}

/** What a grid of cells shows: one matrix, or several named ones of one shape. */
export interface Grid {
  readonly matrices: readonly { readonly name: string; readonly matrix: FlatMatrix }[];
  readonly x: GridAxis;
  readonly y: GridAxis;
  /** The field of the value. */
  readonly value: string;
  readonly coloring: Coloring;
  readonly domain: readonly [number, number];
  readonly levels: number;
  /** The field that tells the matrices apart. */
  readonly pick: string;
  /** What is the same in every row. */
  readonly also: Row;
}

/** The data of a grid's layer: one row a cell, made when they are read. */
export interface GridData {
  readonly values: Row[];
}

/**
 * The grids behind their layers' data: what draws a figure takes them from here, and nobody need make rows of numbers only to
 * draw an image.
 */
const GRIDS = new WeakMap<object, Grid>();

/** Significant digits of a cell in a figure's data. */
const DIGITS = 6;

function gridRows({ matrices, x, y, value, pick, also }: Grid): Row[] {
  return matrices.flatMap(({ name, matrix: { data, columns } }) =>
    Array.from(data, (number, i) => ({
      ...also,
      ...(name === "" ? {} : { [pick]: name }),
      [y.field]: y.names[Math.floor(i / columns)] ?? null,
      [x.field]: x.names[i % columns] ?? null,
      // Grids come in a byte or two a cell: more digits would say what nobody knows.
      [value]: Number(number.toPrecision(DIGITS)),
    })),
  );
}

/** The data of a layer that shows a grid. */
export function gridData(grid: Grid): GridData {
  let rows: Row[] | undefined;
  const data = {
    get values() {
      rows ??= gridRows(grid);
      return rows;
    },
  };
  GRIDS.set(data, grid);
  return data;
}

/** The grid that a layer's data are; undefined for any other data. */
export function gridOf(data: unknown): Grid | undefined {
  return typeof data === "object" && data !== null ? GRIDS.get(data) : undefined;
}

/** Says which grid a layer's data are, where they were read from a file; returns it. */
export function keepGrid(data: object, grid: Grid): Grid {
  GRIDS.set(data, grid);
  return grid;
}

/** Columns of an image over log epochs. */
const IMAGE_COLUMNS = 240;

/** For each column of the image over an axis, the cell that it shows. */
export function shownCells({ ticks, names, high }: GridAxis): readonly number[] {
  if (ticks === undefined) return names.map((_, i) => i);
  let tick = 0;
  return epochColumns(high, IMAGE_COLUMNS).map((epoch) => {
    while (tick + 1 < ticks.length && (ticks[tick + 1] ?? 0) <= epoch) tick++;
    return tick;
  });
}

/** One of a grid's matrices as an image, its columns evenly wide. */
export function gridPng({ x, coloring, domain, levels }: Grid, matrix: FlatMatrix): string {
  if (x.ticks === undefined) return matrixPng(matrix, coloring, domain, levels);
  const cells = shownCells(x);
  const data = Array.from({ length: matrix.rows }, (_, row) =>
    cells.map((cell) => matrix.data[row * matrix.columns + cell] ?? 0),
  );
  return matrixPng({ columns: cells.length, rows: matrix.rows, data: data.flat() }, coloring, domain, levels);
}
