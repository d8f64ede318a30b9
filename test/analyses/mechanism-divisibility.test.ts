import assert from "node:assert/strict";
import { test } from "node:test";
import { chanceOf } from "../../src/analyses/kit/chance.ts";
import type { AnalysisInput, Series, SeriesModel } from "../../src/analyses/kit/define.ts";
import type { HeadsResult } from "../../src/analyses/logits/of-heads.ts";
import { mechanism } from "../../src/analyses/mechanism/index.ts";
import { progress } from "../../src/analyses/progress/index.ts";
import { at, float64, type NdArray } from "../../src/core/index.ts";
import { mean } from "../../src/math/index.ts";
import { headsOf, logitsOf, makeDataset, makeSplit, numberOf } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 53;
const config = { task: "miiii", p, labels: "divisibility", shuffle_labels: false } as const;
const moduli = headsOf(config);
const width = logitsOf(moduli);
const numbers = Array.from({ length: p * p }, (_, i) => numberOf(Math.floor(i / p), i % p, p));

function inputOf(logits: NdArray<"float64">): AnalysisInput {
  const plain = inputWith({ p, task: "miiii", d_model: 4, activations: { logits } });
  const { heads, targets } = makeDataset(config, 1);
  return { ...plain, config: { ...plain.config, labels: "divisibility" }, heads, targets };
}

/** Logits [p², 2 a head] from a function of the sample's number, the class and the modulus. */
function logitsFrom(value: (n: number, c: number, q: number, i: number) => number): NdArray<"float64"> {
  const data = new Float64Array(p * p * width);
  numbers.forEach((n, i) => {
    for (const { q, offset } of moduli) for (let c = 0; c < 2; c++) data[i * width + offset + c] = value(n, c, q, i);
  });
  return float64(data, [p * p, width]);
}

async function analyze(logits: NdArray<"float64">): Promise<HeadsResult> {
  const result = await mechanism.run(inputOf(logits), {});
  assert.ok(result.kind === "heads");
  assert.deepEqual(
    result.heads.map(({ q }) => q),
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47],
  );
  return result;
}

/** Mean cross-entropy of constant logits, whose class 1 is `above` the other, where q divides a share of the samples. */
const constantLoss = (above: number, share: number) =>
  share * Math.log1p(Math.exp(-above)) + (1 - share) * Math.log1p(Math.exp(above));
const shareOf = (q: number) => numbers.filter((n) => n % q === 0).length / numbers.length;

/** Whether q divides n, unevenly sure of it. */
const exact = logitsFrom((n, c, q) => (n % q === 0 ? [0.5, 6] : [4, -1])[c] ?? 0);

test("a head that says exactly whether q divides n is all structure: share 1, restricted loss its loss, base rates without it", async () => {
  const { heads } = await analyze(exact);
  for (const { q, g, logit_share, logit_share_null, loss, restricted_loss, excluded_loss } of heads) {
    assertAllClose([logit_share], [1], { rtol: 1e-12 });
    assertAllClose([restricted_loss.all], [loss.all], { rtol: 1e-9 });
    assertAllClose(
      g,
      Array.from({ length: q }, (_, r) => (r === 0 ? 5.5 : -5)),
      { rtol: 1e-9 },
    );
    const share = shareOf(q);
    assertAllClose([excluded_loss.all], [constantLoss(5.5 * share - 5 * (1 - share), share)], { rtol: 1e-9 });
    assert.ok(logit_share_null < 0.2, `null ${logit_share_null} at q = ${q}`);
  }
});

test("so is a head that is sure by n mod q; sample offsets and class biases do not count against it, what else it reads does", async () => {
  const sure = (n: number, q: number) => 4 * Math.cos((2 * Math.PI * (n % q)) / q) + (n % q === 0 ? 2 : 0);
  const { heads } = await analyze(logitsFrom((n, c, q, i) => c * (sure(n, q) + 3) + 0.01 * i));
  for (const { logit_share, loss, restricted_loss } of heads) {
    assertAllClose([logit_share], [1], { rtol: 1e-9 });
    assertAllClose([restricted_loss.all], [loss.all], { rtol: 1e-9 });
  }
  // A second part of the same variance, which has nothing to do with n mod q.
  const other = normals([p * p], "other").data;
  const mixed = await analyze(
    logitsFrom((n, c, q, i) => c * (Math.SQRT2 * Math.cos((2 * Math.PI * (n % q)) / q) + at(other, i))),
  );
  for (const { q, logit_share } of mixed.heads) {
    const variance = q === 2 ? 2 : 1;
    assert.ok(Math.abs(logit_share - variance / (variance + 1)) < 0.06, `q = ${q}: ${logit_share}`);
  }
});

test("g, restricted and excluded loss are the naive definition's", async () => {
  const logits = normals([p * p, width], "heads");
  const { heads } = await analyze(logits);
  for (const [h, head] of heads.entries()) {
    if (![3, 5, 47].includes(head.q)) continue;
    const L = (i: number, c: number) => at(logits.data, i * width + 2 * h + c);
    const means = [0, 1].map((c) => mean(numbers.map((_, i) => L(i, c))));
    const given = Array.from({ length: head.q }, (_, r) =>
      [0, 1].map((c) => mean(numbers.flatMap((n, i) => (n % head.q === r ? [L(i, c)] : [])))),
    );
    const part = (i: number, c: number) => at(given[at(numbers, i) % head.q] ?? [], c);
    const lossOf = (value: (i: number, c: number) => number) =>
      mean(
        numbers.map((n, i) => {
          const right = Number(n % head.q === 0);
          return Math.log1p(Math.exp(value(i, 1 - right) - value(i, right)));
        }),
      );
    assertAllClose(
      head.g,
      given.map((row) => at(row, 1) - at(row, 0)),
      { rtol: 1e-9, atol: 1e-12 },
    );
    assertAllClose([head.restricted_loss.all], [lossOf(part)], { rtol: 1e-9 });
    assertAllClose([head.excluded_loss.all], [lossOf((i, c) => L(i, c) - part(i, c) + at(means, c))], { rtol: 1e-9 });
  }
});

test("heads without the structure stay near their null, and no better than chance", async () => {
  const { heads } = await analyze(normals([p * p, width], "noise"));
  for (const { q, logit_share, logit_share_null, restricted_loss, loss, excluded_loss } of heads) {
    assert.ok(logit_share < 2 * logit_share_null && logit_share < 0.04, `q = ${q}: ${logit_share} against ${logit_share_null}`);
    assert.ok(restricted_loss.all > 0.95 * Math.LN2);
    assertAllClose([excluded_loss.all], [loss.all], { rtol: 0.03 });
  }
  assert.ok(heads.filter((head) => head.logit_share > head.logit_share_null).length <= 4);
});

test("chance is the labels' entropy: a head that knows base rates alone has no structure, and costs chance whole and in part", async () => {
  const { heads } = await analyze(logitsFrom((_n, c, q) => (c === 1 ? Math.log(1 / q) : Math.log(1 - 1 / q))));
  for (const { q, logit_share, loss, restricted_loss, excluded_loss, chance_loss } of heads) {
    assert.equal(logit_share, 0);
    assert.equal(chance_loss, chanceOf({ q }, "divisibility").loss);
    assertAllClose([loss.all], [chance_loss], { rtol: 0.03 }); // q does not divide exactly 1/q of the p² samples
    assertAllClose([restricted_loss.all, excluded_loss.all], [loss.all, loss.all], { rtol: 1e-9 });
  }
});

test("progress reads the same structure, by split", async () => {
  const input = { ...inputOf(exact), split: makeSplit(p, 0.4, 1) };
  async function* models(): AsyncGenerator<SeriesModel> {
    for (const [epoch, logits] of [normals([p * p, width], "first"), exact].entries())
      yield { epoch, parameters: input.parameters, activations: { logits } };
  }
  const series: Series = { metrics: [], omega: [], checkpoints: [0, 1], models };
  const { loss, restricted_loss, chance_loss, null: none } = await progress.run({ ...input, series }, {});
  for (const part of ["all", "train", "test"] as const) {
    moduli.forEach((_, h) => {
      assertAllClose([at(restricted_loss[part]?.[h] ?? [], 1)], [at(loss[part]?.[h] ?? [], 1)], { rtol: 1e-5 });
    });
  }
  assert.deepEqual(
    chance_loss,
    moduli.map((head) => chanceOf(head, "divisibility").loss),
  );
  assertAllClose(
    (none.restricted_loss ?? []).map((curve) => at(curve, 1)),
    chance_loss,
    { rtol: 1e-5 },
  );
});

test("the contract holds, and the texts speak of n mod q", async () => {
  const result = await checkContract(mechanism, inputOf(exact));
  const said = mechanism.summary(result) + mechanism.headline([{ label: "x", result, config: inputOf(exact).config }]);
  assert.doesNotMatch(said, /n − c/);
  assert.match(said, /n mod q/);
});
