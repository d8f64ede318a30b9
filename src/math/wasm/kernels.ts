import { type Code, call, f64, f64x2, get, i32, i64x2, RETURN, set, tee, v128, when, whileLoop } from "./instructions.ts";
import type { WasmFunction } from "./module.ts";

const BYTES = 8;

/** ln 2 in two parts: the first has so few digits that its product with any whole number below 2¹¹ is exact. */
const HIGH = Math.round(Math.LN2 * 2 ** 41) / 2 ** 41;
// ln 2 less its nearest double is 2.319e-17.
const LOW = Math.LN2 - HIGH + 2.3190468138462996e-17;

/** Added to a number it leaves the nearest whole number in the last digits. */
const ROUND = 1.5 * 2 ** 52;

/** Below it e^v is taken for 0: it would not be a normal float64. */
const LOWEST = -708;

/** 1/n! for n = 0 … 12: with |r| ≤ ln 2/2 the next term is 2e-16 of the sum. */
const TERMS = [1];
for (let n = 1; n <= 12; n++) TERMS.push((TERMS[n - 1] as number) / n);

/**
 * Numbers that the kernels expect at the beginning of memory, each twice, one for each lane: a load costs less than making a
 * constant anew.
 */
export const CONSTANTS = [...TERMS, Math.LOG2E, ROUND, HIGH, LOW, LOWEST] as const;

const LANES = 2 * BYTES;

const term = (n: number): Code => v128.loadFrom(n * LANES);
const [log2e, round, high, low, lowest] = [13, 14, 15, 16, 17].map(term) as [Code, Code, Code, Code, Code];

/**
 * Two exponentials, of the numbers in variable `v`, none above 709, onto the stack: with n the nearest whole number to v/ln 2,
 * e^v = 2ⁿ·e^r. The series in pairs, pairs of pairs and so on, which wait for each other less than one term after the other.
 *
 * @param scratch - the number of the first of five variables that it may use.
 */
function exponentials(v: number, scratch: number): Code {
  const [n, r, r2, r4, k] = [0, 1, 2, 3, 4].map((i) => scratch + i) as [number, number, number, number, number];
  // c + d·x
  const linear = (c: Code, d: Code, x: number): Code => [...c, ...d, ...get(x), ...f64x2.mul, ...f64x2.add];
  const pair = (i: number) => linear(term(i), term(i + 1), r);
  const four = (i: number) => linear(pair(i), pair(i + 2), r2);
  const first = linear(four(0), four(4), r4);
  const last = linear(four(8), term(12), r4);
  return [
    ...[...get(v), ...log2e, ...f64x2.mul, ...round, ...f64x2.add, ...tee(k), ...round, ...f64x2.sub, ...set(n)],
    ...[...get(v), ...get(n), ...high, ...f64x2.mul, ...f64x2.sub, ...get(n), ...low, ...f64x2.mul, ...f64x2.sub, ...tee(r)],
    ...[...get(r), ...f64x2.mul, ...tee(r2), ...get(r2), ...f64x2.mul, ...set(r4)],
    ...[...first, ...last, ...get(r4), ...get(r4), ...f64x2.mul, ...f64x2.mul, ...f64x2.add],
    // Times 2ⁿ: n is added to the exponent.
    ...[...get(k), ...i32.const(52), ...i64x2.shl, ...i64x2.add],
    // Not "where v is at least": NaN stays NaN.
    ...[...get(v), ...lowest, ...f64x2.lessThan, ...v128.andNot],
  ];
}

const advance = (pointer: number, numbers: number): Code => [
  ...get(pointer),
  ...i32.const(numbers * BYTES),
  ...i32.add,
  ...set(pointer),
];

/** Sets `end` to `pointer` plus the bytes of `count` numbers, less an odd last one. */
const endOfPairs = (pointer: number, count: number, end: number): Code => [
  ...[...get(count), ...i32.const(-2), ...i32.and, ...i32.const(3), ...i32.shl],
  ...[...get(pointer), ...i32.add, ...set(end)],
];

const isBefore = (pointer: number, end: number): Code => [...get(pointer), ...get(end), ...i32.lessThan];

const isOdd = (count: number): Code => [...get(count), ...i32.const(1), ...i32.and];

const lanesAdded = (sums: number): Code => [...[...get(sums), ...f64x2.lane(0)], ...[...get(sums), ...f64x2.lane(1), ...f64.add]];

/** The largest of `count` ≥ 1 numbers; NaN where the first one is. */
const LARGEST: WasmFunction = (() => {
  const [pointer, count, end, best] = [0, 1, 2, 3];
  return {
    name: "largest",
    parameters: ["i32", "i32"],
    variables: ["i32", "v128"],
    result: "f64",
    body: [
      ...[...get(pointer), ...v128.loadSplat, ...set(best)],
      ...endOfPairs(pointer, count, end),
      ...whileLoop(isBefore(pointer, end), [
        ...[...get(best), ...get(pointer), ...v128.load, ...f64x2.pmax, ...set(best)],
        ...advance(pointer, 2),
      ]),
      ...when(isOdd(count), [...get(best), ...get(pointer), ...v128.loadSplat, ...f64x2.pmax, ...set(best)]),
      ...[...get(best), ...f64x2.lane(0), ...get(best), ...f64x2.lane(1), ...f64.max],
    ],
  };
})();

/** The place of the first of `count` numbers that equals a value; `count` where there is none. */
const PLACE: WasmFunction = (() => {
  const [start, count, value, pointer, end] = [0, 1, 2, 3, 4];
  const places: Code = [...get(pointer), ...get(start), ...i32.sub, ...i32.const(3), ...i32.shr];
  return {
    name: "place",
    parameters: ["i32", "i32", "f64"],
    variables: ["i32", "i32"],
    result: "i32",
    body: [
      ...[...get(start), ...tee(pointer), ...get(count), ...i32.const(3), ...i32.shl, ...i32.add, ...set(end)],
      ...whileLoop(isBefore(pointer, end), [
        ...when([...get(pointer), ...f64.load, ...get(value), ...f64.equal], [...places, ...RETURN]),
        ...advance(pointer, 1),
      ]),
      ...get(count),
    ],
  };
})();

/** Σ e^(number − base) over `count` numbers; terms below 1e-307 are left out. */
const SUM_EXP: WasmFunction = (() => {
  const [pointer, count, base, end, sums, v] = [0, 1, 2, 3, 4, 5];
  const shifted: Code = [...get(base), ...f64x2.splat, ...f64x2.sub, ...set(v)];
  return {
    name: "sumExp",
    parameters: ["i32", "i32", "f64"],
    variables: ["i32", "v128", "v128", "v128", "v128", "v128", "v128", "v128"],
    result: "f64",
    body: [
      ...endOfPairs(pointer, count, end),
      ...whileLoop(isBefore(pointer, end), [
        ...[...get(pointer), ...v128.load, ...shifted],
        ...[...get(sums), ...exponentials(v, v + 1), ...f64x2.add, ...set(sums)],
        ...advance(pointer, 2),
      ]),
      ...when(isOdd(count), [
        ...[...get(pointer), ...v128.loadSplat, ...shifted],
        ...[...get(sums), ...exponentials(v, v + 1), ...v128.firstLane, ...v128.and, ...f64x2.add, ...set(sums)],
      ]),
      ...lanesAdded(sums),
    ],
  };
})();

/**
 * As {@link SUM_EXP}; the sum of the same terms, each times a number of its own (`factors`), is written to the place `second`.
 */
const SUM_EXP_TIMES: WasmFunction = (() => {
  const [pointer, count, base, factors, second, end, sums, products, v] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const term = v + 6;
  const shifted: Code = [...get(base), ...f64x2.splat, ...f64x2.sub, ...set(v)];
  const added = (factor: Code): Code => [
    ...[...tee(term), ...get(sums), ...f64x2.add, ...set(sums)],
    ...[...get(term), ...get(factors), ...factor, ...f64x2.mul, ...get(products), ...f64x2.add, ...set(products)],
  ];
  return {
    name: "sumExpTimes",
    parameters: ["i32", "i32", "f64", "i32", "i32"],
    variables: ["i32", "v128", "v128", "v128", "v128", "v128", "v128", "v128", "v128", "v128"],
    result: "f64",
    body: [
      ...endOfPairs(pointer, count, end),
      ...whileLoop(isBefore(pointer, end), [
        ...[...get(pointer), ...v128.load, ...shifted, ...exponentials(v, v + 1), ...added(v128.load)],
        ...[...advance(pointer, 2), ...advance(factors, 2)],
      ]),
      ...when(isOdd(count), [
        ...[...get(pointer), ...v128.loadSplat, ...shifted, ...exponentials(v, v + 1), ...v128.firstLane, ...v128.and],
        ...added(v128.loadSplat),
      ]),
      ...[...get(second), ...lanesAdded(products), ...f64.store(0)],
      ...lanesAdded(sums),
    ],
  };
})();

/** Numbers of the functions above in the module, which call each other by them. */
const [LARGEST_AT, PLACE_AT, SUM_AT, TIMES_AT] = [0, 1, 2, 3];

const add = (bytes: number): Code => [...i32.const(bytes), ...i32.add];

/** `step` bytes further in the table and three numbers in what is written. */
const next = (table: number, step: number, out: number): Code => [
  ...[...get(table), ...add(step), ...set(table)],
  ...[...get(out), ...add(3 * BYTES), ...set(out)],
];

/** The place in bytes of the number whose place, counted in numbers, stands at so many bytes in a row of a table. */
const placesIn =
  (table: number) =>
  (bytes: number): Code => [...get(table), ...i32.load(bytes), ...i32.const(3), ...i32.shl];

/** A pointer plus that many numbers. */
const numbersFrom = (first: Code, numbers: Code): Code => [...first, ...numbers, ...i32.const(3), ...i32.shl, ...i32.add];

/**
 * For each of some segments, of which a table from `table` to `end` has place and length, the largest number,
 * its place in the segment, and where asked Σ over the others of e^(number − largest).
 */
const READ: WasmFunction = (() => {
  const [table, end, out, withSums, start, count, best, top] = [0, 1, 2, 3, 4, 5, 6, 7];
  const placeOf = placesIn(table);
  const after: Code = numbersFrom(get(start), [...get(best), ...i32.const(1), ...i32.add]);
  const left: Code = [...get(count), ...get(best), ...i32.sub, ...i32.const(1), ...i32.sub];
  return {
    name: "read",
    parameters: ["i32", "i32", "i32", "i32"],
    variables: ["i32", "i32", "i32", "f64"],
    body: whileLoop(isBefore(table, end), [
      ...[...placeOf(0), ...set(start)],
      ...[...get(table), ...i32.load(4), ...set(count)],
      ...[...get(out), ...get(start), ...get(count), ...call(LARGEST_AT), ...tee(top), ...f64.store(0)],
      ...[...get(start), ...get(count), ...get(top), ...call(PLACE_AT), ...set(best)],
      ...[...get(out), ...get(best), ...f64.fromWhole, ...f64.store(BYTES)],
      ...when(get(withSums), [
        ...[...get(out), ...get(start), ...get(best), ...get(top), ...call(SUM_AT)],
        ...[...after, ...left, ...get(top), ...call(SUM_AT), ...f64.add, ...f64.store(2 * BYTES)],
      ]),
      ...next(table, 8, out),
    ]),
  };
})();

/**
 * For each of some segments, of which a table from `table` to `end` has place, length, number of the target, and place of the
 * factors: the largest number, Σ over all but the target of e^(number − target's), and the same of the terms times their factors,
 * over the target's factor. The sums mean nothing where the largest is more than 700 above the target's.
 */
const COMPARE: WasmFunction = (() => {
  const [table, end, out, start, target, factors, own, sum] = [0, 1, 2, 3, 4, 5, 6, 7];
  const placeOf = placesIn(table);
  const beyond: Code = [...get(target), ...i32.const(1), ...i32.add];
  const count: Code = [...get(table), ...i32.load(4)];
  const partial: Code = [...get(out), ...add(2 * BYTES)];
  const stored: Code = [...partial, ...f64.load];
  return {
    name: "compare",
    parameters: ["i32", "i32", "i32"],
    variables: ["i32", "i32", "i32", "f64", "f64"],
    body: whileLoop(isBefore(table, end), [
      ...[...placeOf(0), ...set(start)],
      ...[...get(table), ...i32.load(8), ...set(target)],
      ...[...placeOf(12), ...set(factors)],
      ...[...numbersFrom(get(start), get(target)), ...f64.load, ...set(own)],
      ...[...get(out), ...get(start), ...count, ...call(LARGEST_AT), ...f64.store(0)],
      ...[...get(start), ...get(target), ...get(own), ...get(factors), ...partial, ...call(TIMES_AT), ...set(sum)],
      ...[...get(out), ...stored, ...f64.store(BYTES)],
      ...[...numbersFrom(get(start), beyond), ...count, ...beyond, ...i32.sub, ...get(own)],
      ...[...numbersFrom(get(factors), beyond), ...partial, ...call(TIMES_AT), ...get(sum), ...f64.add, ...set(sum)],
      ...[...partial, ...stored, ...get(out), ...add(BYTES), ...f64.load, ...f64.add],
      ...[...numbersFrom(get(factors), get(target)), ...f64.load, ...f64.div, ...f64.store(0)],
      ...[...get(out), ...get(sum), ...f64.store(BYTES)],
      ...next(table, 16, out),
    ]),
  };
})();

/** What a module is made of, in the order of their numbers. */
export const KERNELS = [LARGEST, PLACE, SUM_EXP, SUM_EXP_TIMES, READ, COMPARE] as const;
