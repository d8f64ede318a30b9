import type { NdArray } from "../../src/core/index.ts";

/** One comparison. */
export interface Row {
  readonly quantity: string;
  readonly ours: string;
  readonly peer: string;
  /** See {@link DIFFERENCES}, or a number of disagreements. */
  readonly difference: number;
  readonly tolerance: number;
}

/** Whether the difference is within the tolerance; NaN is not. */
export function passes({ difference, tolerance }: Row): boolean {
  return difference <= tolerance;
}

type Values = ArrayLike<number>;

/**
 * Maximum |a − b| over maximum |b|; of a scalar, its relative difference. Infinite where lengths differ, NaN where an entry is.
 */
export function relativeDifference(ours: Values, peer: Values): number {
  if (ours.length !== peer.length) return Number.POSITIVE_INFINITY;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < peer.length; i++) {
    const [a, b] = [ours[i] as number, peer[i] as number];
    const gap = Math.abs(a - b);
    if (Number.isNaN(gap)) return gap;
    difference = Math.max(difference, gap);
    scale = Math.max(scale, Math.abs(b));
  }
  return difference === 0 ? 0 : difference / scale;
}

/** ‖a − b‖ over ‖b‖. */
export function normDifference(ours: Values, peer: Values): number {
  if (ours.length !== peer.length) return Number.POSITIVE_INFINITY;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < peer.length; i++) {
    difference += ((ours[i] as number) - (peer[i] as number)) ** 2;
    scale += (peer[i] as number) ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / scale);
}

/** Maximum of |aᵢ − bᵢ| over |bᵢ|: stricter than {@link relativeDifference} where entries differ in size. */
function entryDifference(ours: Values, peer: Values): number {
  if (ours.length !== peer.length) return Number.POSITIVE_INFINITY;
  return Array.from(peer, (b, i) => relativeDifference([ours[i] as number], [b])).reduce((x, y) => Math.max(x, y), 0);
}

function digits(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? value.toPrecision(8) : value.toExponential(6);
}

function shown(values: Values): string {
  if (values.length === 1) return digits(values[0] as number);
  if (values.length <= 4 && Array.from(values).every(Number.isInteger)) return Array.from(values).join(", ");
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  return `‖·‖ ${digits(Math.sqrt(squares))}`;
}

/** The ways in which arrays are compared: max |a − b| / max |b|, max (|a − b| / |b|), ‖a − b‖ / ‖b‖. */
const DIFFERENCES = { scaled: relativeDifference, entries: entryDifference, norm: normDifference } as const;

/** Two arrays; shown by their L2 norms. Other shapes differ infinitely. */
export function compare(
  quantity: string,
  ours: Values | NdArray,
  peer: Values | NdArray | undefined,
  tolerance: number,
  how: keyof typeof DIFFERENCES = "scaled",
): Row {
  const a = "data" in ours ? ours.data : ours;
  const b = peer === undefined ? [] : "data" in peer ? peer.data : peer;
  const sameShape = !("shape" in ours) || peer === undefined || !("shape" in peer) || String(ours.shape) === String(peer.shape);
  // An answer that is missing agrees with nothing.
  const difference = sameShape && b.length > 0 ? DIFFERENCES[how](a, b) : Number.POSITIVE_INFINITY;
  return { quantity, ours: shown(a), peer: b.length === 0 ? "none" : shown(b), difference, tolerance };
}

/** The row that differs most. */
export function worstOf(rows: readonly Row[]): Row {
  // A NaN is worst of all: no comparison with it holds.
  return rows.reduce((worst, row) => (row.difference <= worst.difference || Number.isNaN(worst.difference) ? worst : row));
}

/** Something that must hold without exception; the difference is the number of exceptions. */
export function count(quantity: string, ours: string, peer: string, wrong: number): Row {
  return { quantity, ours, peer, difference: wrong, tolerance: 0 };
}

/** The rows of one check, or why it was left out. */
export interface Checked {
  readonly check: string;
  readonly rows: readonly Row[];
  readonly skipped?: string;
  /** Why it broke off: counts as a failure. */
  readonly broken?: string;
}

function scientific(value: number): string {
  if (value === 0) return "0";
  return Number.isFinite(value) ? value.toExponential(1) : String(value);
}

/** All comparisons as one Markdown table, its columns aligned. */
export function table(checked: readonly Checked[]): string {
  const head = ["check", "quantity", "ours", "peer", "difference", "tolerance", ""];
  const body = checked.flatMap(({ check, rows, broken }) => [
    ...rows.map((row) => [
      check,
      row.quantity,
      row.ours,
      row.peer,
      scientific(row.difference),
      scientific(row.tolerance),
      passes(row) ? "pass" : "FAIL",
    ]),
    ...(broken === undefined ? [] : [[check, broken.replaceAll("|", "/"), "", "", "", "", "FAIL"]]),
  ]);
  const length = (text: string) => [...text].length;
  const widths = head.map((title, i) => Math.max(3, length(title), ...body.map((cells) => Math.min(60, length(cells[i] ?? "")))));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell + " ".repeat(Math.max(0, (widths[i] as number) - length(cell)))).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
