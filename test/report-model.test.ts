import assert from "node:assert/strict";
import { test } from "node:test";
import { activationsOf } from "../src/activations/index.ts";
import { readCheckpoint } from "../src/checkpoint/index.ts";
import { at, dim, randomStream } from "../src/core/index.ts";
import { construct } from "../src/model/index.ts";
import { answerOf, PageModel, packModel, spreadInputs, wavesOfLogits } from "../src/report/page-model.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const NAMES = ["blocks.0.mlp.hook_pre", "logits"] as const;
const bytesOf = (parameters: Parameters<typeof packModel>[0]) => packModel(parameters).buffer as ArrayBuffer;

for (const path of ["fixtures/miiii-fast-v1/step-000020000.safetensors", "fixtures/nanda/step-000010000.safetensors"]) {
  test(`the page's model says what the model says: ${path}`, async () => {
    const { config, parameters } = readCheckpoint(path);
    const activations = await activationsOf(onnxRuntime(), config, parameters, NAMES);
    const logits = activations.logits ?? assert.fail("no logits");
    const pre = activations["blocks.0.mlp.hook_pre"] ?? assert.fail("no activations");
    const model = new PageModel(config, bytesOf(parameters));
    const width = dim(logits, 1);
    const random = randomStream(5, "numbers");
    const { p } = config;
    for (const index of random.permutation(p * p).slice(0, 50)) {
      const [x0, x1] = [Math.floor(index / p), index % p];
      const said = model.run(x0, x1);
      const expected = logits.data.subarray(index * width, (index + 1) * width);
      const scale = Math.max(...expected.map(Math.abs));
      // Weights of 16 bits: their rounding is 1.5e-5 of the largest, and adds up over a thousand neurons.
      assertAllClose(Array.from(said.logits), Array.from(expected), { rtol: 0, atol: 2e-3 * scale });
      assertAllClose([at(said.pre, 7)], [at(pre.data, index * dim(pre, 1) + 7)], { rtol: 0, atol: 2e-2 });
      for (const head of model.heads) {
        const own = Array.from(expected.subarray(head.offset, head.offset + head.classes)).sort((a, b) => b - a);
        if (at(own, 0) - at(own, 1) < 4e-3 * scale) continue; // a tie within the rounding
        assert.equal(
          answerOf(said.logits, head),
          answerOf(Float64Array.from(expected), head),
          `n = ${x0 + x1 * p} mod ${head.q}`,
        );
      }
    }
    assertAllClose(
      model.grid(3).subarray(100, 140),
      Array.from({ length: 40 }, (_, i) => at(pre.data, (100 + i) * dim(pre, 1) + 3)),
      { rtol: 0, atol: 2e-2 },
    );
  });
}

test("logits are the sum of their cosines, and each clock of a written model points at the right answer", () => {
  const { config, parameters } = construct({ task: "miiii", p: 13, d_model: 64 });
  const model = new PageModel(config, bytesOf(parameters));
  const { logits } = model.run(4, 9);
  for (const head of model.heads) {
    const own = Array.from(logits.subarray(head.offset, head.offset + head.classes));
    const mean = own.reduce((a, b) => a + b, 0) / head.classes;
    const waves = wavesOfLogits(logits, head);
    const sums = own.map(
      (_, c) =>
        mean +
        waves.reduce(
          (sum, { k, amplitude, phase }) => sum + amplitude * Math.cos((2 * Math.PI * k * c) / head.classes - phase),
          0,
        ),
    );
    assertAllClose(sums, own, { rtol: 1e-9, atol: 1e-9 });
    const [strongest] = waves.sort((a, b) => b.amplitude - a.amplitude);
    const { k, phase } = strongest ?? assert.fail("no wave");
    const right = (2 * Math.PI * k * model.target(head, 4, 9)) / head.classes;
    assert.ok(Math.cos(phase - right) > 0.99, `mod ${head.q}: ${phase} and ${right}`);
  }
});

test("without a circuit its task is lost and the others stay; without a digit all are", () => {
  const { config, parameters, neurons } = construct({ task: "miiii", p: 13, d_model: 64 });
  const model = new PageModel(config, bytesOf(parameters));
  const off = new Set(neurons.flatMap(({ m }, j) => (m === 7 ? [j] : [])));
  const accuracy = (switches: Parameters<PageModel["run"]>[2]) =>
    model.heads.map((head) => {
      let right = 0;
      for (let i = 0; i < 169; i++) {
        const [x0, x1] = [Math.floor(i / 13), i % 13];
        if (answerOf(model.run(x0, x1, switches).logits, head) === model.target(head, x0, x1)) right += 1;
      }
      return right / 169;
    });
  assert.deepEqual(
    accuracy({}),
    model.heads.map(() => 1),
  );
  const broken = accuracy({ neurons: off });
  model.heads.forEach(({ q }, i) => {
    assert.ok(q === 7 ? at(broken, i) < 0.3 : at(broken, i) > 0.95, `${q}: ${broken[i]}`);
  });
  assert.ok(accuracy({ digit: 1 }).every((value, i) => value < 1.6 / at(model.heads, i).q + 0.1));
});

test("a head that is switched off adds its mean: averages stay, and without all heads no input tells itself from another", () => {
  const { config, parameters } = readCheckpoint("fixtures/nanda/step-000010000.safetensors");
  const model = new PageModel(config, bytesOf(parameters));
  const inputs = spreadInputs(config.p, 256);
  const average = (switches: Parameters<PageModel["pre"]>[2]) => {
    const total = new Float64Array(config.d_mlp);
    for (const [x0, x1] of inputs)
      model.pre(x0, x1, switches).forEach((u, j) => {
        total[j] = at(total, j) + u / inputs.length;
      });
    return Array.from(total);
  };
  const whole = average({});
  for (let h = 0; h < config.n_heads; h++) assertAllClose(average({ heads: new Set([h]) }), whole, { rtol: 1e-9, atol: 1e-9 });
  const all = { heads: new Set(Array.from({ length: config.n_heads }, (_, h) => h)) };
  assert.deepEqual(model.run(3, 50, all).logits, model.run(101, 7, all).logits);
  assert.notDeepEqual(model.run(3, 50, { heads: new Set([0]) }).logits, model.run(3, 50).logits);
  const [x0, x1, equals] = model.attentionGrids(1);
  const place = 3 * config.p + 50;
  assertAllClose([at(x0, place), at(x1, place), at(equals, place)], Array.from(model.attention(3, 50).subarray(3, 6)));
});
