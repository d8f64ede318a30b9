/**
 * Shape of a matrix product's kernel: the part of the result that a workgroup computes, and the part of that that a thread does.
 */
export interface Tile {
  /** Rows and columns of the result for each workgroup. */
  readonly rows: number;
  readonly columns: number;
  /** Terms of the sums that are staged in workgroup memory at a time. */
  readonly depth: number;
  /** Rows and columns for each thread: multiples of 4. */
  readonly threadRows: number;
  readonly threadColumns: number;
}

/** Tiles, best first where there is work enough to fill a device with workgroups of that size. */
export const TILES: readonly Tile[] = [
  { rows: 128, columns: 128, depth: 16, threadRows: 8, threadColumns: 8 },
  { rows: 64, columns: 128, depth: 16, threadRows: 8, threadColumns: 8 },
  { rows: 64, columns: 64, depth: 16, threadRows: 8, threadColumns: 4 },
  { rows: 32, columns: 32, depth: 16, threadRows: 4, threadColumns: 4 },
];

/**
 * Threads that a large GPU works on at a time in a product: 512 on each of 132 units. Smaller tiles, and sums cut into parts,
 * make as many.
 */
export const FULL = 132 * 512;

/** Share of {@link FULL} from which on a tile is not given up for a smaller one, which reads more for the same arithmetic. */
export const ENOUGH = 2 / 3;

/** Multiplications of a product up to which tiles are not worth it: it is computed entry by entry. */
export const SMALL_PRODUCT = 2 ** 19;

/**
 * Sums are cut into at most this many parts, each of at least so many terms; more where the result is large, whose parts take
 * long to add up.
 */
export const MOST_PARTS = 32;
export const LEAST_TERMS = 64;
export const LEAST_TERMS_LARGE = 1024;
export const LARGE_RESULT = 2 ** 19;

/** Threads of a workgroup in every other kernel. */
export const THREADS = 256;

/** Threads of a small workgroup: what a GPU executes together anyway. */
export const LEAST_THREADS = 32;

/** Terms of a sum up to which one thread adds them up alone. */
export const TERMS_ALONE = 16;

/** Terms that one thread adds up at most in a sum before the sum is cut into parts. */
export const TERMS_PER_THREAD = 64;

/** Outputs of a sum from which on there is work enough without cutting the sums. */
export const ENOUGH_OUTPUTS = 16384;

/** Arithmetic handed to the device in one submission, in floating-point operations: a fraction of a second on a slow one. */
export const WORK_PER_SUBMIT = 2e11;

/** Kernels in one submission, and submissions that may wait on the device at a time. */
export const KERNELS_PER_SUBMIT = 4096;
export const SUBMITS_IN_FLIGHT = 4;

/**
 * Runs given to the device in one call: as many as take so long, that a slow device can be stopped and its progress be seen, and
 * at most so many.
 */
export const MILLISECONDS_AT_ONCE = 2000;
export const RUNS_AT_ONCE = 256;

/** Runs whose outputs are kept on the device before they are read back. */
export const RUNS_KEPT = 512;

/** Inputs of at most so many entries are fed through the table that holds a row for each run. */
export const SMALL_FEED = 64;

/** Bytes of outputs up to which runs are recorded on the device instead of being read back one by one. */
export const SMALL_OUTPUTS = 65536;
