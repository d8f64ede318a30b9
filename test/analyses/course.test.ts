import assert from "node:assert/strict";
import { test } from "node:test";
import { course } from "../../src/analyses/course/index.ts";
import type { AnalysisInput, Series } from "../../src/analyses/kit/define.ts";
import { at } from "../../src/core/index.ts";
import { construct, initParameters, type Parameters } from "../../src/model/index.ts";
import { inputOfModel } from "../helpers/model-input.ts";
import { checkContract } from "../helpers/spectral-input.ts";

const NAMES = ["blocks.0.mlp.hook_pre", "logits"] as const;
const written = construct({ task: "miiii", p: 13, d_model: 64 });
const { config } = written;

/** The hand-written model with the read-in and read-out of some neurons cut. */
function without(gone: (neuron: { readonly m: number; readonly k: number }) => boolean): Parameters {
  const [W_in, W_out] = [written.parameters["blocks.0.mlp.W_in"], written.parameters["blocks.0.mlp.W_out"]];
  const [into, out] = [W_in.data.slice(), W_out.data.slice()];
  written.neurons.forEach((neuron, j) => {
    if (!gone(neuron)) return;
    for (let i = 0; i < config.d_model; i++) {
      into[i * config.d_mlp + j] = 0;
      out[j * config.d_model + i] = 0;
    }
  });
  return { ...written.parameters, "blocks.0.mlp.W_in": { ...W_in, data: into }, "blocks.0.mlp.W_out": { ...W_out, data: out } };
}

/** A run that kept the given models. */
async function inputOver(models: readonly (readonly [epoch: number, parameters: Parameters])[]): Promise<AnalysisInput> {
  const inputs = await Promise.all(
    models.map(async ([epoch, parameters]) => ({ epoch, ...(await inputOfModel(config, parameters, NAMES)) })),
  );
  const series: Series = {
    metrics: [],
    omega: [],
    checkpoints: models.map(([epoch]) => epoch),
    async *models() {
      for (const { epoch, parameters, activations } of inputs) yield { epoch, parameters, activations };
    },
  };
  const [last] = inputs.slice(-1);
  assert.ok(last !== undefined);
  return { ...last, series };
}

const untrained = initParameters({ ...config, init: "he" }, 1);

test("circuits and pairs that come and go are found where they were planted", async () => {
  const [eleven] = written.neurons.filter(({ m }) => m === 11);
  assert.ok(eleven !== undefined);
  const early = without(({ m }) => m === 5 || m === 7);
  const end = without(({ m, k }) => m === 11 && k === eleven.k);
  const split = {
    train: Int32Array.of(0),
    validation: Int32Array.from({ length: 100 }, (_, i) => i + 1),
    test: Int32Array.of(150),
  };
  const input = {
    ...(await inputOver([
      [0, untrained],
      [10, early],
      [20, written.parameters],
      [30, end],
    ])),
    split,
  };
  const result = await course.run(input, {});
  assert.deepEqual(
    [result.epochs, result.tasks],
    [
      [0, 10, 20, 30],
      [2, 3, 5, 7, 11],
    ],
  );
  const pairsOf = (wanted: (neuron: { readonly m: number }) => boolean) =>
    new Set(written.neurons.filter(wanted).map(({ m, k }) => `${m} ${k}`)).size;
  const [all, missing] = [pairsOf(() => true), pairsOf(({ m }) => m === 5 || m === 7)];
  assert.deepEqual(result.in_use.slice(1), [all - missing, all, all - 1]);
  assert.equal(result.born[2], missing);
  assert.deepEqual([result.gone[2], result.gone[3]], [0, 1]);
  assert.deepEqual(
    result.temporary.filter(({ epoch }) => epoch > 0).map(({ m, k }) => [m, k]),
    [[11, eleven.k]],
  );
  assert.deepEqual(result.circuit_epoch.slice(0, 4), [10, 10, 20, 20]);
  assert.deepEqual(result.validation_epoch?.slice(0, 4), [10, 10, 20, 20]);
  assert.ok(result.accuracy.circuit.every((row) => row[2] === 1));
  assert.ok(at(result.additive_share, 2) > 1 - 1e-9 && at(result.R2, 2) > 1 - 1e-9 && at(result.R2, 0) < 0.95);
  assert.ok(at(result.null.circuit_permuted, 2) < 0.6);
});

test("the contract holds, with one checkpoint and without a known split; a lone file is refused", async () => {
  const two = await inputOver([
    [0, untrained],
    [5, written.parameters],
  ]);
  const result = await checkContract(course, two);
  assert.deepEqual([result.validation_epoch, result.left_out], [null, ["accuracy.validation", "validation_epoch"]]);
  await checkContract(course, await inputOver([[5, written.parameters]]));
  const divisibility = { ...two, config: { ...two.config, labels: "divisibility" as const } };
  assert.throws(() => course.run(divisibility, {}), /^MiiiiError: course: needs heads with a class for each residue/);
  const { series: _, ...lone } = two;
  await assert.rejects(async () => course.run(lone, {}), /^MiiiiError: series: /);
});
