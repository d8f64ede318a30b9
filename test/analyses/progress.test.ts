import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisInput, Series, SeriesModel } from "../../src/analyses/kit/define.ts";
import { mechanism } from "../../src/analyses/mechanism/index.ts";
import { progress } from "../../src/analyses/progress/index.ts";
import { at, float64, MiiiiError, type NdArray } from "../../src/core/index.ts";
import { headsOf, logitsOf, makeSplit, numberOf } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 13;
const split = makeSplit(p, 0.4, 2);
const trained = new Set(split.train);
const wrong = normals([p * p], "wrong").data;

/**
 * Addition logits: `sine` times cosines of k = 3, and `memory` on the right class of training samples, on a wrong one of others.
 */
function logitsAt(sine: number, memory: number, k = 3): NdArray<"float64"> {
  const data = new Float64Array(p ** 3);
  for (let i = 0; i < p * p; i++) {
    const total = Math.floor(i / p) + (i % p);
    const memorised = trained.has(i) ? total % p : (total + 1 + (Math.floor(Math.abs(at(wrong, i)) * 1e6) % (p - 1))) % p;
    for (let c = 0; c < p; c++) {
      data[i * p + c] = sine * Math.cos((2 * Math.PI * k * (total - c)) / p) + (c === memorised ? memory : 0);
    }
  }
  return float64(data, [p * p, p]);
}

/** W_E with one frequency of the given strength in noise, the '=' row far out. */
function embedding(strength: number): NdArray {
  const noise = normals([p + 1, 16], "W_E").data;
  return float64(
    noise.map((value, i) => {
      const [x, j] = [Math.floor(i / 16), i % 16];
      return x === p ? 1e3 : value + strength * Math.cos((2 * Math.PI * 3 * x) / p + j);
    }),
    [p + 1, 16],
  );
}

interface Step {
  readonly epoch: number;
  readonly logits: NdArray<"float64">;
  readonly W_E?: NdArray;
}

function runOf(steps: readonly Step[], more: Partial<AnalysisInput> = {}, task: "nanda" | "miiii" = "nanda"): AnalysisInput {
  const plain = inputWith({ p, task });
  async function* models(): AsyncGenerator<SeriesModel> {
    for (const { epoch, logits, W_E } of steps) {
      yield {
        epoch,
        parameters: { ...plain.parameters, ...(W_E === undefined ? {} : { "embed.W_E": W_E }) },
        activations: { logits },
      };
    }
  }
  const series: Series = { metrics: [], omega: [], checkpoints: steps.map(({ epoch }) => epoch), models };
  const last = steps[steps.length - 1];
  return { ...plain, series, activations: last === undefined ? {} : { logits: last.logits }, ...more };
}

// Memorised by 10, the circuit forms by 100, the memory is cleaned up by 1000.
const STEPS: readonly Step[] = [
  { epoch: 0, logits: logitsAt(0.01, 0), W_E: embedding(0) },
  { epoch: 10, logits: logitsAt(0.1, 30), W_E: embedding(0) },
  { epoch: 100, logits: logitsAt(20, 30), W_E: embedding(3) },
  { epoch: 1000, logits: logitsAt(20, 0.1), W_E: embedding(8) },
];

test("restricted loss falls while the loss on new samples is still high, excluded loss rises, and both nulls stay put", async () => {
  const result = await progress.run(runOf(STEPS, { split }), {});
  assert.deepEqual(result.key_frequencies, [3]);
  assert.deepEqual(result.epochs, [0, 10, 100, 1000]);
  assert.deepEqual([result.restricted_epoch, result.generalised_epoch], [[100], [1000]]);
  assert.equal(progress.metrics(result).heads_restricted_first, 1);
  const [restricted, excluded] = [result.restricted_loss.test?.[0] ?? [], result.excluded_loss.train?.[0] ?? []];
  const chance = Math.log(p);
  // What is memorised lies a little along every frequency.
  assert.ok(at(restricted, 1) > 0.8 * chance && at(restricted, 2) < 0.5 * chance, `${restricted}`);
  assert.ok(at(excluded, 1) < 0.01 && at(excluded, 3) > 0.9 * chance, `${excluded}`);
  // Other frequencies neither make the logits nor break them.
  assert.ok(at(result.null.restricted_loss?.[0] ?? [], 3) > 0.9 * chance);
  assertAllClose([at(result.null.excluded_loss?.[0] ?? [], 3)], [at(result.loss.train?.[0] ?? [], 3)], { rtol: 0.05 });
});

test("with more than half of the frequencies key there are not as many others: no null of the losses, and that is said", async () => {
  for (const [count, expected] of [
    [3, true],
    [4, false],
  ] as const) {
    const parts = [1, 3, 4, 6].slice(0, count).map((k) => logitsAt(8, 0, k));
    const logits = float64(
      Float64Array.from({ length: p ** 3 }, (_, i) => parts.reduce((total, part) => total + at(part.data, i), 0)),
      [p * p, p],
    );
    const steps = [
      { epoch: 0, logits: logitsAt(0.01, 0) },
      { epoch: 1, logits },
    ];
    const result = await checkContract(progress, runOf(steps, { split }));
    assert.equal(result.key_frequencies?.length, count);
    assert.deepEqual([result.null.restricted_loss !== null, result.null.excluded_loss !== null], [expected, expected]);
    const metrics = progress.metrics(result);
    assert.deepEqual(["restricted_loss_null" in metrics, "excluded_loss_null" in metrics], [expected, expected]);
    assert.equal(
      /null at the end: none, of 6 frequencies 4 are key, which leaves fewer others/.test(progress.summary(result)),
      !expected,
    );
  }
});

test("the null of the restricted loss is over the samples not trained on, that of the excluded loss over those trained on", async () => {
  const every = Int32Array.from({ length: p * p }, (_, i) => i);
  const [few, rest] = [every.filter((i) => i % 7 === 0), every.filter((i) => i % 7 !== 0)];
  const none = new Int32Array(0);
  const nullOf = async (given?: AnalysisInput["split"]) =>
    (await progress.run(runOf(STEPS, given === undefined ? {} : { split: given }), {})).null;
  const whole = await nullOf();
  const onFew = await nullOf({ train: few, validation: none, test: rest });
  const onRest = await nullOf({ train: rest, validation: none, test: few });
  // The loss over all samples is that over both parts, by their sizes.
  const share = few.length / every.length;
  for (const [name, ofFew, ofRest] of [
    ["restricted_loss", onRest, onFew],
    ["excluded_loss", onFew, onRest],
  ] as const) {
    const [all, first, second] = [whole, ofFew, ofRest].map((one) => one[name]?.[0] ?? assert.fail(name));
    assertAllClose(
      STEPS.map((_, tick) => share * at(first ?? [], tick) + (1 - share) * at(second ?? [], tick)),
      all ?? [],
      { rtol: 1e-5 },
    );
  }
});

test("each checkpoint's losses are those of `mechanism` where the key frequencies agree; those of the last one count", async () => {
  const other = { epoch: 50, logits: logitsAt(20, 1, 5) };
  const result = await progress.run(runOf([other, ...STEPS.slice(2)], { split }), {});
  assert.deepEqual(result.key_frequencies, [3]);
  for (const [tick, { logits }] of STEPS.slice(2).entries()) {
    const alone = await mechanism.run({ ...inputWith({ p, activations: { logits } }), split }, {});
    assert.ok(alone.kind === "addition");
    for (const name of ["loss", "restricted_loss"] as const) {
      for (const part of ["all", "train", "test"] as const) {
        assertAllClose([at(result[name][part]?.[0] ?? [], tick + 1)], [alone[name][part] ?? -1], { rtol: 1e-5 });
      }
    }
    assertAllClose([at(result.excluded_loss.train?.[0] ?? [], tick + 1)], [alone.excluded_loss.train ?? -1], { rtol: 1e-5 });
  }
  // The first has only k = 5, and a trace of k = 3 in its memory: without k = 3 next to nothing changes.
  assertAllClose([at(result.excluded_loss.all[0] ?? [], 0)], [at(result.loss.all[0] ?? [], 0)], { rtol: 0.05 });
});

test("the embedding's Gini coefficient rises out of its null as a frequency grows; the sum of squares is of all tensors", async () => {
  const input = runOf(STEPS, { split });
  const { W_E_gini, W_L_gini, sum_sq_weights, null: none } = await progress.run(input, {});
  assert.ok(
    at(W_E_gini, 0) < at(none.W_E_gini, 0) && at(W_E_gini, 3) > at(none.W_E_gini, 3) + 0.1,
    `${W_E_gini}, ${none.W_E_gini}`,
  );
  assert.equal(W_L_gini?.length, 4);
  const sum = (tensor: NdArray) => Array.from(tensor.data).reduce((total, value) => total + value ** 2, 0);
  const others = Object.entries(input.parameters).filter(([name]) => name !== "embed.W_E");
  const expected = others.reduce((total, [, tensor]) => total + sum(tensor as NdArray), sum(embedding(8)));
  assertAllClose([at(sum_sq_weights, 3)], [expected], { rtol: 1e-9 });
});

const moduli = headsOf({ task: "miiii", p, labels: "remainder", shuffle_labels: false });

/** Logits of remainders by each head's strength. */
function headLogitsAt(strengths: readonly number[]): NdArray<"float64"> {
  const width = logitsOf(moduli);
  const data = new Float64Array(p * p * width);
  for (let i = 0; i < p * p; i++) {
    const n = numberOf(Math.floor(i / p), i % p, p);
    moduli.forEach(({ q, offset }, h) => {
      data[i * width + offset + (n % q)] = at(strengths, h);
    });
  }
  return float64(data, [p * p, width]);
}

test("heads: each has its own group and its own epoch; without a split the losses are over all samples, and that is said", async () => {
  const steps = [
    { epoch: 0, logits: headLogitsAt([0, 0, 0, 0, 0]) },
    { epoch: 5, logits: headLogitsAt([9, 9, 0, 0, 0]) },
    { epoch: 9, logits: headLogitsAt([9, 9, 9, 9, 0]) },
  ];
  const result = await progress.run(runOf(steps, {}, "miiii"), {});
  assert.deepEqual(result.q, [2, 3, 5, 7, 11]);
  assert.deepEqual(result.generalised_epoch, [5, 5, 9, 9, null]);
  assert.deepEqual([result.key_frequencies, result.W_L_gini], [null, null]);
  assert.ok(!("test" in result.loss) && result.left_out.includes("restricted_loss.test"));
  const flat = (result.null.restricted_loss ?? []).map((curve) => at(curve, 0));
  assertAllClose(
    flat,
    moduli.map(({ q }) => Math.log(q)),
    { rtol: 1e-5 },
  );
  assertAllClose(
    result.loss.all.map((curve) => at(curve, 0)),
    flat,
    { rtol: 1e-5 },
  );
  assert.deepEqual(result.null.excluded_loss, result.loss.all);
});

test("the contract holds; a run without checkpoints and a lone file are named", async () => {
  await checkContract(progress, runOf(STEPS, { split }));
  const heads = { epoch: 0, logits: headLogitsAt([1, 2, 3, 4, 5]) };
  await checkContract(progress, runOf([heads, { ...heads, epoch: 1 }], {}, "miiii"));
  const fails = (input: AnalysisInput, code: string, pattern: RegExp) =>
    assert.rejects(
      async () => progress.run(input, {}),
      (error: unknown) => error instanceof MiiiiError && error.code === code && pattern.test(error.message),
    );
  await fails(runOf([], { activations: { logits: logitsAt(1, 0) } }), "input", /at least two checkpoints, got 0/);
  await fails(runOf([{ epoch: 7, logits: logitsAt(1, 0) }]), "input", /at least two checkpoints, got 1/);
  await fails(inputWith({ p, activations: { logits: logitsAt(1, 0) } }), "usage", /lone checkpoint/);
});
