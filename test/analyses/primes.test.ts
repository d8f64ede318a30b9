import assert from "node:assert/strict";
import { test } from "node:test";
import { gridParts } from "../../src/analyses/kit/interaction.ts";
import { columnsOf, decompose, gridNumbers, pickColumns, selectivity } from "../../src/analyses/kit/selectivity.ts";
import { bothSelectivities } from "../../src/analyses/primes/both.ts";
import { primes } from "../../src/analyses/primes/index.ts";
import { at, float64, type NdArray, randomStream } from "../../src/core/index.ts";
import { mean, variance } from "../../src/math/index.ts";
import { numberOf, primesBelow } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, fieldsOf, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 13;
const moduli = primesBelow(p); // 2, 3, 5, 7, 11

/** A fixed value for each residue, drawn at random. */
const residueField = (q: number, seed = 1) => {
  const values = normals([q], `residues ${q}`, seed).data;
  return (x0: number, x1: number) => at(values, numberOf(x0, x1, p) % q);
};
const scattered = normals([p * p], "noise").data;
const noiseAt = (x0: number, x1: number) => at(scattered, x0 * p + x1);
const f = normals([p], "f").data;
const g = normals([p], "g").data;

test("ε² is (η² − m)/(1 − m) of the conditional means, written out", () => {
  const values = normals([p * p, 3], "values");
  const numbers = gridNumbers(p);
  assert.equal(at(numbers, p), 1); // the sample (1, 0) stands for 1
  const got = selectivity(columnsOf(values), numbers, moduli);
  moduli.forEach((q, m) => {
    for (let j = 0; j < 3; j++) {
      const column = Array.from({ length: p * p }, (_, i) => at(values.data, 3 * i + j));
      const conditional = column.map((_, i) => mean(column.filter((__, k) => at(numbers, k) % q === at(numbers, i) % q)));
      const eta = variance(conditional) / variance(column);
      const expected = (q - 1) / (p * p - 1);
      assertAllClose([at(got[m] ?? [], j)], [(eta - expected) / (1 - expected)], { rtol: 1e-11, atol: 1e-13 });
    }
  });
});

test("columns are independent of how many are summed at a time, and may lie far from zero", () => {
  const values = normals([p * p, 70], "many");
  const numbers = gridNumbers(p);
  const together = decompose(columnsOf(values), numbers, [2, 3, 5, 7, 11]);
  for (const j of [0, 31, 63, 64, 69]) {
    for (const [m, q] of [2, 3, 5, 7, 11].entries()) {
      const alone = decompose(columnsOf(pickColumns(values, [j])), numbers, [q]);
      assertAllClose([at(together[m] ?? [], j)], [at(alone[0] ?? [], 0)], { rtol: 1e-12 });
    }
  }
  const far = columnsOf(
    float64(
      values.data.map((value) => value + 1e6),
      values.shape,
    ),
  );
  assertAllClose(far.squares, columnsOf(values).squares, { rtol: 1e-7 });
  assertAllClose(decompose(far, numbers, [3])[0] ?? [], together[1] ?? [], { rtol: 1e-4, atol: 1e-6 });
});

test("ε² of activations from their interactions and their means is that of the activations, tokens relabelled or not", () => {
  for (const [prime, columns] of [
    [13, 70],
    [29, 5],
  ] as const) {
    const noise = normals([prime * prime, columns], `both ${prime}`);
    // One column without an interaction, one that is constant.
    const values = float64(
      noise.data.map((value, i) => {
        const [sample, j] = [Math.floor(i / columns), i % columns];
        const [x0, x1] = [Math.floor(sample / prime), sample % prime];
        return j === 0 ? Math.sin(x0) + 2 * Math.cos(3 * x1) : j === 1 ? 4 : 3 + value + Math.sin(x0 * j);
      }),
      noise.shape,
    );
    const parts = gridParts(values, prime);
    const squares = { plain: columnsOf(values).squares, interaction: columnsOf(parts.interaction).squares };
    assert.deepEqual([squares.interaction[0], squares.plain[1]], [0, 0]);
    for (const order of [undefined, randomStream(5, "order").permutation(prime)]) {
      const found = bothSelectivities(parts, squares, prime, primesBelow(prime), order);
      const numbers = gridNumbers(prime, order);
      for (const [kind, own] of [
        ["plain", values],
        ["interaction", parts.interaction],
      ] as const) {
        const expected = selectivity(columnsOf(own), numbers, primesBelow(prime));
        expected.forEach((row, m) => assertAllClose(found[kind][m] ?? [], row, { rtol: 1e-10, atol: 1e-13 }));
      }
    }
  }
});

test("planted residues are found, each neuron's own; one of two, one dead, noise and f(x0) + g(x1) for none", async () => {
  const additive = (x0: number, x1: number) => Math.max(0, at(f, x0) + at(g, x1));
  const [three, seven] = [residueField(3), residueField(7)];
  const both = (x0: number, x1: number) => 1.2 * three(x0, x1) + residueField(7, 2)(x0, x1);
  const fields = [
    (x0: number, x1: number) => three(x0, x1) + 0.5 * noiseAt(x0, x1),
    (x0: number, x1: number) => Math.max(0, seven(x0, x1)),
    both,
    () => 4,
    noiseAt,
    additive,
  ];
  const input = inputWith({ p, task: "miiii", activations: { "blocks.0.mlp.hook_post": fieldsOf(p, fields) } });
  const result = await primes.run(input, {});
  assert.deepEqual(result.best_prime.slice(0, 2), [3, 7]);
  assert.ok([3, 7].includes(at(result.best_prime, 2)));
  assert.deepEqual([result.best_prime[3], result.best_selectivity[3], result.dead], [0, 0, 1]);
  assert.deepEqual(result.selective, { one: 2, several: 1, none: 2 });
  assert.deepEqual(result.selective_by_prime, [0, 2, 0, 2, 0]);
  assert.ok(at(result.best_selectivity, 1) > 0.999 && result.null.band < 0.4, `band ${result.null.band}`);
});

test("perfect neurons, relu(cos α + cos β), have ε² = 0.114, and 0.49 in their interaction, three quarters being additive", async () => {
  const [large, q, k] = [113, 29, 5];
  const angle = (x: number) => (2 * Math.PI * k * x) / q;
  const perfect = Array.from({ length: 12 }, (_, j) => (x0: number, x1: number) => {
    return Math.max(0, Math.cos(angle(x0) + 1.7 * j) + Math.cos(angle(x1 * large) + 0.9 * j * j));
  });
  const fields = [...perfect, (x0: number, x1: number) => Math.cos(x0) + Math.cos(x1 / 3)];
  const input = inputWith({ p: large, task: "miiii", activations: { "blocks.0.mlp.hook_post": fieldsOf(large, fields) } });
  const { best_prime, best_selectivity, interaction, null: none } = await primes.run(input, {});
  const own = new Array<number>(12).fill(q);
  assert.deepEqual([best_prime.slice(0, 12), interaction.best_prime], [own, [...own, 0]]);
  // Phases and the grid's edge move each by a little.
  const means = [best_selectivity, interaction.best_selectivity, interaction.share].map((values) => mean(values.slice(0, 12)));
  assertAllClose(means, [0.114, 0.49, 0.23], { rtol: 0.03 });
  assert.deepEqual([interaction.best_selectivity[12], interaction.share[12]], [0, 0]);
  assert.equal(interaction.selective_by_prime[9], 12);
  assert.ok(none.band < 0.05 && interaction.null.band < 0.1, `${none.band} and ${interaction.null.band}`);
});

test("an addition neuron is selective for no prime", async () => {
  const big = 31;
  const cosine = (k: number) => (x0: number, x1: number) =>
    Math.max(0, Math.cos((2 * Math.PI * k * x0) / big) + Math.cos((2 * Math.PI * k * x1) / big));
  const fields = [1, 4, 9, 14].map(cosine);
  const input = inputWith({ p: big, activations: { "blocks.0.mlp.hook_post": fieldsOf(big, fields) } });
  const result = await primes.run(input, {});
  assert.deepEqual(result.selective, { one: 0, several: 0, none: 4 });
});

test("the embedding: a planted x mod 5 stands out of the permutations of tokens, noise does not; the '=' row is left out", async () => {
  const big = 31;
  const d_model = 16;
  const codes = normals([5, d_model], "codes").data;
  const noise = normals([big + 1, d_model], "W_E").data;
  const embed = (strength: number): NdArray =>
    float64(
      noise.map((value, i) => {
        const x = Math.floor(i / d_model);
        return x === big ? 1e6 : value + strength * at(codes, (x % 5) * d_model + (i % d_model));
      }),
      [big + 1, d_model],
    );
  const activations = {
    "blocks.0.mlp.hook_post": fieldsOf(big, [(x0, x1) => x0 * x1]),
  };
  const found = (W_E: NdArray) => primes.run(inputWith({ p: big, d_model, W_E, activations }), {});
  const planted = (await found(embed(2))).embedding;
  assert.deepEqual(planted.primes, [2, 3, 5, 7, 11, 13]);
  const above = planted.primes.filter((_, m) => at(planted.selectivity, m) > planted.null_familywise);
  assert.deepEqual(above, [5]);
  assert.ok(at(planted.selectivity, 2) > 0.6);
  assert.deepEqual([planted.dimension_selectivity.length, planted.dimension_selectivity[0]?.length], [d_model, 6]);
  const empty = (await found(embed(0))).embedding;
  assert.deepEqual(
    empty.primes.filter((_, m) => at(empty.selectivity, m) > empty.null_familywise),
    [],
  );
});

test("the contract holds, for dead neurons alone too", async () => {
  const fields = [residueField(3), residueField(11), noiseAt, () => 0];
  const result = await checkContract(
    primes,
    inputWith({ p, task: "miiii", activations: { "blocks.0.mlp.hook_post": fieldsOf(p, fields) } }),
  );
  assert.equal(result.neuron_selectivity.length, 4);
  await checkContract(primes, inputWith({ p, activations: { "blocks.0.mlp.hook_post": fieldsOf(p, [() => 0, () => 1]) } }));
});
