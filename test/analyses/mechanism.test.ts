import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisInput } from "../../src/analyses/kit/define.ts";
import { keyFrequencies } from "../../src/analyses/logits/addition.ts";
import type { AdditionResult } from "../../src/analyses/logits/of-addition.ts";
import type { HeadsResult } from "../../src/analyses/logits/of-heads.ts";
import { mechanism } from "../../src/analyses/mechanism/index.ts";
import { at, dim, float64, type NdArray } from "../../src/core/index.ts";
import { headMetrics } from "../../src/math/index.ts";
import { headsOf, logitsOf, makeSplit, numberOf, type TaskName } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 13;
const m = (p - 1) / 2;
const wave = (k: number, x: number) => Math.cos((2 * Math.PI * k * x) / p);

/** Logits [p², classes] from a function of (x0, x1, class). */
function logitsFrom(classes: number, value: (x0: number, x1: number, c: number) => number): NdArray<"float64"> {
  const data = Float64Array.from({ length: p * p * classes }, (_, i) => {
    const sample = Math.floor(i / classes);
    return value(Math.floor(sample / p), sample % p, i % classes);
  });
  return float64(data, [p * p, classes]);
}

async function addition(logits: NdArray<"float64">, more: Partial<AnalysisInput> = {}): Promise<AdditionResult> {
  const result = await mechanism.run({ ...inputWith({ p, activations: { logits } }), ...more }, {});
  assert.ok(result.kind === "addition");
  return result;
}

async function heads(logits: NdArray<"float64">, task: TaskName = "miiii"): Promise<HeadsResult> {
  const result = await mechanism.run(inputWith({ p, task, activations: { logits } }), {});
  assert.ok(result.kind === "heads");
  return result;
}

/** The definitions of Nanda et al. written out over all p²·p entries, in no clever order. */
function naive(logits: NdArray<"float64">, key: readonly number[]) {
  const L = (i: number, c: number) => at(logits.data, i * dim(logits, 1) + c);
  const total = (i: number) => Math.floor(i / p) + (i % p);
  const dirOf = (f: (i: number, c: number) => number) => {
    let [inner, square] = [0, 0];
    for (let i = 0; i < p * p; i++) {
      for (let c = 0; c < p; c++) {
        inner += f(i, c) * L(i, c);
        square += f(i, c) ** 2;
      }
    }
    return inner / Math.sqrt(square);
  };
  const coefficients = Array.from({ length: m }, (_, k) => dirOf((i, c) => wave(k + 1, total(i) - c)));
  const project = (c: number) => {
    const out = new Float64Array(p * p);
    for (const k of key) {
      for (const phase of [0, Math.PI / 2]) {
        const direction = Float64Array.from({ length: p * p }, (_, i) => Math.cos((2 * Math.PI * k * total(i)) / p - phase));
        const length = Math.sqrt(direction.reduce((sum, v) => sum + v * v, 0));
        const inner = direction.reduce((sum, v, i) => sum + (v / length) * L(i, c), 0);
        direction.forEach((v, i) => {
          out[i] = at(out, i) + (inner * v) / length;
        });
      }
    }
    return out;
  };
  const restricted = new Float64Array(p ** 3);
  const excluded = new Float64Array(p ** 3);
  for (let c = 0; c < p; c++) {
    const part = project(c);
    const rest = part.map((v, i) => L(i, c) - v);
    const mean = rest.reduce((sum, v) => sum + v, 0) / (p * p);
    part.forEach((v, i) => {
      restricted[i * p + c] = v + mean;
      excluded[i * p + c] = at(rest, i);
    });
  }
  return { coefficients, restricted: float64(restricted, [p * p, p]), excluded: float64(excluded, [p * p, p]) };
}

const planted = logitsFrom(p, (x0, x1, c) => 8 * wave(2, x0 + x1 - c) + 5 * wave(5, x0 + x1 - c) + 0.3 * wave(1, x0 - x1));
const noise = normals([p * p, p], "logits");
const noisy = float64(
  planted.data.map((value, i) => value + 0.5 * at(noise.data, i)),
  [p * p, p],
);

test("planted cosines are found, exactly those, and carry what they were given", async () => {
  const result = await addition(planted);
  assert.deepEqual(result.key_frequencies, [2, 5]);
  assert.deepEqual(result.key_frequencies_above_null, [2, 5]);
  const unit = Math.sqrt(p ** 3 / 2);
  assertAllClose(result.cos_coefficients, [0, 8 * unit, 0, 0, 5 * unit, 0], { rtol: 1e-12, atol: 1e-10 });
  // The third term is the same for all classes: centring removes it.
  assertAllClose([result.logit_share], [1], { rtol: 1e-12 });
  assert.ok(result.logit_share_null < 0.2, `${result.logit_share_null}`);
});

test("key frequencies: coefficients above a tenth of the largest, whatever their signs", () => {
  assert.deepEqual(keyFrequencies([-10, 0.99, 1.01, -1.9, 1]), [1, 3, 4]);
  assert.deepEqual(keyFrequencies([0, 0]), []);
});

test("coefficients, restricted and excluded loss are the naive definition's, the extra '=' class left out", async () => {
  const input = inputWith({ p, activations: { logits: noisy } });
  const split = makeSplit(p, 0.4, 3);
  const rest = Int32Array.from([...split.validation, ...split.test].sort((a, b) => a - b));
  const wide = logitsFrom(p + 1, (x0, x1, c) => (c === p ? 1e6 : at(noisy.data, (x0 * p + x1) * p + c)));
  const oracle = naive(noisy, [2, 5]);
  const lossOf = (logits: NdArray, rows?: Int32Array) => at(headMetrics(logits, input.targets, input.heads, rows).loss, 0);
  for (const logits of [noisy, wide]) {
    const result = await addition(logits, { split });
    assertAllClose(result.cos_coefficients, oracle.coefficients, { rtol: 1e-10, atol: 1e-10 });
    assert.deepEqual(result.key_frequencies, [2, 5]);
    const { all, train, test: held } = result.restricted_loss;
    const expected = [undefined, split.train, rest].map((rows) => lossOf(oracle.restricted, rows));
    assertAllClose([all, train ?? -1, held ?? -1], expected, { rtol: 1e-9 });
    assertAllClose([result.loss.all, result.loss.train ?? -1], [lossOf(noisy), lossOf(noisy, split.train)], { rtol: 1e-9 });
    assertAllClose([result.excluded_loss.train ?? -1], [lossOf(oracle.excluded, split.train)], { rtol: 1e-9 });
    const { per_k } = result.excluded_loss;
    assert.deepEqual(Object.keys(per_k ?? {}), ["2", "5"]);
    assertAllClose([per_k?.["2"] ?? -1], [lossOf(naive(noisy, [2]).excluded, split.train)], { rtol: 1e-9 });
    assert.deepEqual(result.left_out, []);
  }
});

test("with the structure: restricted loss stays low, excluded loss is high, and other frequencies do neither", async () => {
  const result = await addition(noisy, { split: makeSplit(p, 0.4, 3) });
  assert.ok(result.restricted_loss.all < 1.2 * result.loss.all);
  assert.ok((result.restricted_loss_null?.lower ?? 0) > 10 * result.restricted_loss.all);
  assert.ok((result.excluded_loss.train ?? 0) > Math.log(p) - 0.5);
  assert.ok((result.excluded_loss_null?.upper ?? 9) < 2 * result.loss.all);
});

test("with more than half of the frequencies key there are not as many others: no null of the losses, and that is said", async () => {
  // 3 of 6 leave 3 others, and no choice of them; 4 leave 2.
  for (const [count, expected] of [
    [3, true],
    [4, false],
    [6, false],
  ] as const) {
    const key = [1, 3, 4, 6, 2, 5].slice(0, count).sort();
    const logits = logitsFrom(p, (x0, x1, c) => key.reduce((total, k) => total + 8 * wave(k, x0 + x1 - c), 0));
    const result = await checkContract(mechanism, inputWith({ p, activations: { logits } }));
    assert.ok(result.kind === "addition");
    assert.deepEqual(result.key_frequencies, key);
    const metrics = mechanism.metrics(result);
    for (const name of ["restricted_loss_null", "excluded_loss_null"] as const) {
      assert.equal(result[name] !== null, expected, `${name} with ${count} key frequencies`);
      assert.equal(name in metrics, expected);
    }
    const said = /other frequencies: none, of 6 frequencies \d are key, which leaves fewer others/;
    assert.equal(said.test(mechanism.summary(result)), !expected, mechanism.summary(result));
    // The others carry nothing, so a null of them is far off.
    if (expected) assert.ok((result.restricted_loss_null?.lower ?? 0) > 10 * result.restricted_loss.all);
  }
});

test("without the structure nothing rises above its null: noise, and f(x0) + g(x1) in every class", async () => {
  const f = normals([p, p], "f").data;
  const g = normals([p, p], "g").data;
  const additive = logitsFrom(p, (x0, x1, c) => Math.max(0, at(f, x0 * p + c) + at(g, x1 * p + c)));
  for (const logits of [noise, additive]) {
    const result = await addition(logits);
    assert.deepEqual(result.key_frequencies_above_null, []);
    assert.ok(result.logit_share < 1.5 * result.logit_share_null, `${result.logit_share} against ${result.logit_share_null}`);
    assert.ok(result.restricted_loss.all > 0.8 * Math.log(p));
  }
});

test("W_L: norms in the class basis hold all of ‖W_L‖², the '=' column left out; a planted frequency stands out of the null", async () => {
  const input = inputWith({ p, activations: { logits: planted } });
  const [d_mlp, d_model] = [64, 16];
  const W_out = normals([d_mlp, d_model], "W_out");
  const W_U = float64(
    Float64Array.from({ length: d_model * (p + 1) }, (_, i) => {
      const [row, c] = [Math.floor(i / (p + 1)), i % (p + 1)];
      return c === p ? 1e3 : wave(4, c + 3 * row) + 0.05 * wave(1, row * c);
    }),
    [d_model, p + 1],
  );
  const parameters = { ...input.parameters, "blocks.0.mlp.W_out": W_out, "unembed.W_U": W_U };
  const result = await addition(planted, { parameters });
  let square = 0;
  for (let j = 0; j < d_mlp; j++) {
    for (let c = 0; c < p; c++) {
      let entry = 0;
      for (let k = 0; k < d_model; k++) entry += at(W_out.data, j * d_model + k) * at(W_U.data, k * (p + 1) + c);
      square += entry ** 2;
    }
  }
  assertAllClose([result.W_L_norms.reduce((sum, norm) => sum + norm ** 2, 0)], [square], { rtol: 1e-12 });
  const ranked = result.W_L_norms.map((norm, row) => ({ norm, row })).sort((a, b) => b.norm - a.norm);
  assert.deepEqual(
    [
      at(
        ranked.map(({ row }) => row),
        0,
      ),
      at(
        ranked.map(({ row }) => row),
        1,
      ),
    ].sort(),
    [7, 8],
  ); // cos 4, sin 4
  assert.ok(result.W_L_gini > result.W_L_gini_null.upper);
  assert.ok(result.W_L_participation_ratio < result.W_L_participation_ratio_null.lower);
  // As stored: the '=' column counts here.
  const stored = W_U.data.reduce((sum, value) => sum + value ** 2, 0);
  assertAllClose([result.sum_sq_weights["unembed.W_U"] ?? 0], [stored]);
  assert.ok(stored > d_model * 1e6);
});

test("sum_sq_weights names every stored tensor, biases too; without a split the train-only numbers are left out by name", async () => {
  const input = inputWith({ p, activations: { logits: planted } });
  const parameters = { ...input.parameters, "blocks.0.mlp.b_in": float64([3, 4], [2]) };
  const result = await addition(planted, { parameters });
  assert.deepEqual(Object.keys(result.sum_sq_weights), [...Object.keys(input.parameters), "blocks.0.mlp.b_in"]);
  assert.equal(result.sum_sq_weights["blocks.0.mlp.b_in"], 25);
  assert.ok(!("train" in result.restricted_loss) && !("train" in result.excluded_loss) && !("per_k" in result.excluded_loss));
  assert.ok(result.left_out.includes("excluded_loss.per_k") && result.left_out.includes("restricted_loss.train"));
  assert.match(mechanism.summary(result), /left out, the split is not known/);
});

const config = { task: "miiii", p, labels: "remainder", shuffle_labels: false } as const;
const moduli = headsOf(config);
const kernel = (q: number, difference: number) => 6 * Math.cos((2 * Math.PI * difference) / q) + (difference % q === 0 ? 2 : 0);

/** `miiii` logits from a function of (sample's number, x0, x1, class, modulus). */
function headLogitsFrom(value: (n: number, x0: number, x1: number, c: number, q: number) => number): NdArray<"float64"> {
  const width = logitsOf(moduli);
  const data = new Float64Array(p * p * width);
  for (let i = 0; i < p * p; i++) {
    const [x0, x1] = [Math.floor(i / p), i % p];
    for (const { q, offset } of moduli)
      for (let c = 0; c < q; c++) data[i * width + offset + c] = value(numberOf(x0, x1, p), x0, x1, c, q);
  }
  return float64(data, [p * p, width]);
}

test("heads: a planted g is recovered to the digit and explains all; class biases and sample offsets do not count against it", async () => {
  const logits = headLogitsFrom((n, x0, _x1, c, q) => kernel(q, n - c) + 0.7 * x0 + (q === 5 ? 0 : 0.2 * c));
  const result = await heads(logits);
  assert.deepEqual(
    result.heads.map(({ q }) => q),
    [2, 3, 5, 7, 11],
  );
  for (const { q, g, logit_share, logit_share_null, restricted_loss, excluded_loss, chance_loss } of result.heads) {
    assertAllClose([logit_share], [1], { rtol: 5e-3 }); // n mod q is not quite uniform over p² samples
    assert.ok(logit_share_null < 0.3, `null ${logit_share_null} at q = ${q}`);
    assert.ok(restricted_loss.all < 0.2 && excluded_loss.all > 0.9 * chance_loss, `${restricted_loss.all}, ${excluded_loss.all}`);
    if (q !== 5) continue;
    // Here g is the kernel plus the mean of 0.7·x0.
    assertAllClose(
      g,
      Array.from({ length: q }, (_, d) => kernel(q, d) + (0.7 * (p - 1)) / 2),
      { rtol: 1e-9 },
    );
  }
});

test("heads: g, restricted and excluded loss are the naive definition's", async () => {
  const logits = normals([p * p, logitsOf(moduli)], "heads");
  const result = await heads(logits);
  const input = inputWith({ p, task: "miiii", activations: { logits } });
  moduli.forEach(({ q, offset }, h) => {
    const L = (i: number, c: number) => at(logits.data, i * logitsOf(moduli) + offset + c);
    const residue = (i: number) => numberOf(Math.floor(i / p), i % p, p) % q;
    const mod = (value: number) => ((value % q) + q) % q;
    const samples = Array.from({ length: p * p }, (_, i) => i);
    const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
    const g = Array.from({ length: q }, (_, d) => mean(samples.map((i) => L(i, mod(residue(i) - d)))));
    const ideal = samples.map((i) => Array.from({ length: q }, (_, c) => at(g, mod(residue(i) - c))));
    const rest = samples.map((i) => Array.from({ length: q }, (_, c) => L(i, c) - at(ideal[i] ?? [], c)));
    const biases = Array.from({ length: q }, (_, c) => mean(rest.map((row) => at(row, c))));
    const restricted = ideal.map((row) => row.map((value, c) => value + at(biases, c)));
    const targets = Int32Array.from(samples, (i) => at(input.targets.data, i * moduli.length + h));
    const lossOf = (matrix: number[][]) =>
      at(headMetrics(float64(matrix.flat(), [p * p, q]), targets, [{ offset: 0, classes: q }]).loss, 0);
    const head = result.heads[h];
    assert.ok(head !== undefined);
    assertAllClose(head.g, g, { rtol: 1e-9, atol: 1e-12 });
    assertAllClose([head.restricted_loss.all, head.excluded_loss.all], [lossOf(restricted), lossOf(rest)], { rtol: 1e-12 });
  });
});

test("heads without the structure stay near their null: noise, and relu(f(x0) + g(x1))", async () => {
  const noisyHeads = normals([p * p, logitsOf(moduli)], "heads");
  const f = normals([p, 11], "f").data;
  const g = normals([p, 11], "g").data;
  const additive = headLogitsFrom((_n, x0, x1, c) => Math.max(0, at(f, x0 * 11 + c) + at(g, x1 * 11 + c)));
  for (const logits of [noisyHeads, additive]) {
    const result = await heads(logits);
    for (const { q, logit_share, logit_share_null, restricted_loss, chance_loss } of result.heads) {
      assert.ok(logit_share < 2 * logit_share_null + 0.01, `q = ${q}: ${logit_share} against ${logit_share_null}`);
      assert.ok(restricted_loss.all > 0.9 * chance_loss);
    }
  }
});

test("divisibility labels: g says by how much a head holds each residue for divided", async () => {
  const input = inputWith({ p, task: "miiii", activations: {} });
  const labels = { ...config, labels: "divisibility" } as const;
  const two = headsOf(labels);
  const targets = { ...input.targets, data: input.targets.data.map((value) => Number(value === 0)) };
  const data = new Float64Array(p * p * 2 * two.length);
  targets.data.forEach((value, i) => {
    data[2 * i + value] = 4;
  });
  const logits = float64(data, [p * p, 2 * two.length]);
  const result = await mechanism.run(
    { ...input, config: { ...input.config, labels: "divisibility" }, heads: two, targets, activations: { logits } },
    {},
  );
  assert.ok(result.kind === "heads");
  for (const head of result.heads) {
    assertAllClose(
      head.g,
      Array.from({ length: head.q }, (_, r) => (r === 0 ? 4 : -4)),
    );
    assertAllClose([head.restricted_loss.all], [Math.log1p(Math.exp(-4))], { rtol: 1e-12 });
  }
});

test("the contract holds for both kinds", async () => {
  const split = makeSplit(p, 0.4, 3);
  await checkContract(mechanism, { ...inputWith({ p, activations: { logits: noisy } }), split });
  await checkContract(mechanism, inputWith({ p, activations: { logits: logitsFrom(p, () => 0) } }));
  const logits = headLogitsFrom((n, _x0, _x1, c, q) => kernel(q, n - c));
  await checkContract(mechanism, { ...inputWith({ p, task: "miiii", activations: { logits } }), split });
});
