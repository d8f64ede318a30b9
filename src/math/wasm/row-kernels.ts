import { CONSTANTS, KERNELS } from "./kernels.ts";
import { wasmModule } from "./module.ts";

/** A run of numbers: its place, counted in numbers, and its length, at least 1. */
export type Segment = readonly [place: number, count: number];

/**
 * Memory of its own for rows of numbers, and what is done with segments of them, two numbers at a time: several times as fast as
 * loops in JavaScript.
 */
export interface RowKernels {
  /** The numbers, as many as were asked for. */
  readonly numbers: Float64Array;
  /** Three numbers for each segment, written by the functions. */
  readonly found: Float64Array;
  /**
   * Of each segment the largest number (NaN where its first is), the place in the segment of the first that equals it (the
   * segment's length for NaN), and, where asked for, Σ over all others of e^(number − largest), whose terms are exact to three
   * units of their last place; those below 1e-307 are left out.
   */
  read(withSums: boolean): void;
  /**
   * Of each segment the largest number, Σ over all but the target of e^(number − target's number), and the same sum with each
   * term times its factor, over the target's factor. The sums mean nothing where the largest is more than 700 above the target's.
   * The targets' places in the segments, and the places of the factors, one for each number of the segment, are taken from
   * {@link aims}.
   */
  compare(): void;
  /** Says where the targets and the factors (first of them, in `numbers`) of segment i are, for `compare`. */
  aim(i: number, target: number, factors: number): void;
}

const PAGE = 2 ** 16;
const BYTES = Float64Array.BYTES_PER_ELEMENT;

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface Compiled {
  readonly memory: Memory;
  read(table: number, end: number, out: number, withSums: number): void;
  compare(table: number, end: number, out: number): void;
}

/** The part of the standard that is used here; Node's types leave it out. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object) => { readonly exports: Compiled };
  };
};

let compiled: Compiled | undefined;

/** Bytes before the numbers, for what the kernels expect there; and numbers. */
const RESERVED = 2 * CONSTANTS.length * BYTES;
const FIRST = 2 * CONSTANTS.length;

function compile(): Compiled {
  const { exports } = new wasm.Instance(new wasm.Module(wasmModule(KERNELS, 1)));
  new Float64Array(exports.memory.buffer).set(CONSTANTS.flatMap((value) => [value, value]));
  return exports;
}

/**
 * The kernels of this thread for some segments within the first `length` numbers. One user at a time: the memory is the same for
 * all, so that nobody may wait for anything between writing to it and reading from it.
 */
export function rowKernels(length: number, segments: readonly Segment[]): RowKernels {
  compiled ??= compile();
  const { memory, read, compare } = compiled;
  const count = segments.length;
  const out = RESERVED + length * BYTES;
  const tables = out + 3 * count * BYTES;
  const aimed = tables + count * 8;
  const end = aimed + count * 16;
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(missing);
  const table = new Int32Array(memory.buffer, tables, 2 * count);
  const aims = new Int32Array(memory.buffer, aimed, 4 * count);
  segments.forEach((segment, i) => {
    const [place, numbers] = segment;
    table.set([FIRST + place, numbers], 2 * i);
    aims.set([FIRST + place, numbers], 4 * i);
  });
  return {
    numbers: new Float64Array(memory.buffer, RESERVED, length),
    found: new Float64Array(memory.buffer, out, 3 * count),
    aim: (i, target, factors) => {
      aims[4 * i + 2] = target;
      aims[4 * i + 3] = FIRST + factors;
    },
    read: (withSums) => read(tables, aimed, out, withSums ? 1 : 0),
    compare: () => compare(aimed, end, out),
  };
}
