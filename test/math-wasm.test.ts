import assert from "node:assert/strict";
import { test } from "node:test";
import { at, randomStream } from "../src/core/index.ts";
import { rowKernels, type Segment } from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const random = randomStream(0, "wasm");

/** Segments of several lengths side by side, and numbers for all of them. */
function rowOf(lengths: readonly number[], scale: number): { segments: Segment[]; row: number[] } {
  const segments = lengths.map((count, i): Segment => [lengths.slice(0, i).reduce((a, b) => a + b, 0), count]);
  return { segments, row: Array.from({ length: lengths.reduce((a, b) => a + b, 0) }, () => scale * random.normal()) };
}

const LENGTHS = [1, 2, 3, 7, 113, 58];

test("the largest of each segment, where it is, and the others' exponentials against it, written out", () => {
  for (const scale of [0.01, 1, 20, 300]) {
    const { segments, row } = rowOf(LENGTHS, scale);
    const { numbers, found, read } = rowKernels(row.length, segments);
    numbers.set(row);
    read(true);
    segments.forEach(([place, count], i) => {
      const own = row.slice(place, place + count);
      const top = Math.max(...own);
      const best = own.indexOf(top);
      assert.deepEqual(Array.from(found.subarray(3 * i, 3 * i + 2)), [top, best]);
      const others = own.reduce((sum, value, c) => sum + (c === best ? 0 : Math.exp(value - top)), 0);
      assertAllClose([at(found, 3 * i + 2)], [others], { rtol: 1e-14, atol: 1e-300 });
    });
  }
});

test("each exponential is within three units of its last place, and 0 below 1e-307", () => {
  const { numbers, found, read } = rowKernels(2, [[0, 2]]);
  for (let i = 0; i < 20_000; i++) {
    const v = -707 * random.uniform() ** 3;
    numbers.set([0, v]);
    read(true);
    assert.ok(Math.abs(at(found, 2) - Math.exp(v)) <= 3 * 2 ** -52 * Math.exp(v), `e^${v}`);
  }
  for (const v of [-709, -5000, Number.NEGATIVE_INFINITY]) {
    numbers.set([0, v]);
    read(true);
    assert.equal(at(found, 2), 0);
  }
});

test("of equal numbers the first is found; NaN and infinity are not lost", () => {
  const { numbers, found, read } = rowKernels(5, [[0, 5]]);
  numbers.set([1, 7, 7, 2, 7]);
  read(false);
  assert.equal(at(found, 1), 1);
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY]) {
    for (let place = 0; place < 5; place++) {
      numbers.set([1, 7, 7, 2, 7]);
      numbers[place] = odd;
      read(true);
      assert.ok(!Number.isFinite(at(found, 0) + at(found, 2)), `${odd} at ${place}`);
    }
  }
});

test("exponentials against the target's number, plain and times factors, written out", () => {
  const { segments, row } = rowOf(LENGTHS, 5);
  const factors = Array.from({ length: row.length + 4 }, () => 10 * random.uniform() + 0.1);
  const kernels = rowKernels(row.length + factors.length, segments);
  kernels.numbers.set([...row, ...factors]);
  for (const last of [false, true]) {
    segments.forEach(([place, count], i) => {
      kernels.aim(i, last ? count - 1 : 0, row.length + place + 3);
    });
    kernels.compare();
    segments.forEach(([place, count], i) => {
      const own = row.slice(place, place + count);
      const target = last ? count - 1 : 0;
      const terms = own.map((value) => Math.exp(value - at(own, target)));
      const factor = (c: number) => at(factors, place + 3 + c);
      const over = (value: (c: number) => number) => terms.reduce((sum, _, c) => sum + (c === target ? 0 : value(c)), 0);
      const expected = [Math.max(...own), over((c) => at(terms, c)), over((c) => (at(terms, c) * factor(c)) / factor(target))];
      assertAllClose(Array.from(kernels.found.subarray(3 * i, 3 * i + 3)), expected, { rtol: 1e-13 });
    });
  }
});

test("more numbers than before are given room, and what is read is one's own", () => {
  const length = 40_000;
  const { numbers, found, read } = rowKernels(length, [[length - 2, 2]]);
  numbers.set([3, 4], length - 2);
  read(false);
  assert.deepEqual(Array.from(found.subarray(0, 2)), [4, 1]);
  const small = rowKernels(3, [[0, 3]]);
  small.numbers.set([1, 5, 2]);
  small.read(true);
  assert.deepEqual(Array.from(small.found.subarray(0, 2)), [5, 1]);
});
