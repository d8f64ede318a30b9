import { ensure } from "../core/index.ts";

// 90 characters, in the order of their codes: none that JSON or HTML would have to escape.
const FIRST_CODE = 35;
const LAST_CODE = 126;
const SKIPPED = ["<", "\\"];

/** The characters that {@link packCells} writes levels in. */
export const CELL_ALPHABET = Array.from({ length: LAST_CODE - FIRST_CODE + 1 }, (_, i) => String.fromCharCode(FIRST_CODE + i))
  .filter((character) => !SKIPPED.includes(character))
  .join("");

/** A matrix's values as text, for a figure's data; see {@link packCells}. */
export interface PackedCells {
  readonly alphabet: string;
  /** `chars` characters a cell, row by row. */
  readonly cells: string;
  readonly chars: number;
  readonly columns: number;
  /** The values of the lowest and the highest level. */
  readonly low: number;
  readonly high: number;
}

/**
 * Values over `domain` in one character each (90 levels), or two (8,100 levels): what lies outside is clamped. A tenth of the
 * bytes of numbers; `unpackCells` gives them back to half a level.
 */
export function packCells(
  data: ArrayLike<number>,
  columns: number,
  domain: readonly [number, number],
  chars: 1 | 2,
): PackedCells {
  const [low, high] = domain;
  const base = CELL_ALPHABET.length;
  const top = base ** chars - 1;
  const cells = Array.from(data, (value) => {
    const level = Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * top);
    const last = CELL_ALPHABET.charAt(level % base);
    return chars === 1 ? last : CELL_ALPHABET.charAt(Math.floor(level / base)) + last;
  }).join("");
  return { alphabet: CELL_ALPHABET, cells, chars, columns, low, high };
}

/** The values of packed cells, row by row. */
export function unpackCells(packed: PackedCells): number[] {
  const { alphabet, cells, chars, low, high } = packed;
  const top = alphabet.length ** chars - 1;
  return Array.from({ length: cells.length / chars }, (_, i) => {
    let level = 0;
    for (let c = 0; c < chars; c++) {
      const digit = alphabet.indexOf(cells.charAt(i * chars + c));
      ensure(
        digit >= 0,
        "input",
        () => `cells: every character must be of the alphabet, got ${cells.charAt(i * chars + c)} at ${i}`,
      );
      level = level * alphabet.length + digit;
    }
    return low + ((high - low) * level) / top;
  });
}
