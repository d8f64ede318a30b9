import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { epochOf } from "../src/checkpoint/import/series.ts";
import { type ImportRecord, readCheckpoint } from "../src/checkpoint/index.ts";
import type { NdArray } from "../src/core/index.ts";
import { construct } from "../src/model/index.ts";
import { runCommands } from "./helpers/cli.ts";
import { folder, save } from "./helpers/import-models.ts";
import { type Py, tensorOf, torchArchive } from "./helpers/torch-archive.ts";

const P = 11;
const EPOCHS = [0, 40, 100, 1000];
const { config, parameters } = construct({ task: "nanda", p: P });

/** The model that adds, and what it was before it had learnt: its read-out turned towards others by the epoch. */
const stateAt = (epoch: number): Map<string, NdArray<"float32">> =>
  new Map(
    Object.entries(parameters).map(([name, { shape, data }]) => {
      const known = name === "unembed.W_U" ? epoch / 1000 : 1;
      return [
        name,
        { dtype: "float32", shape, data: Float32Array.from(data, (x, i) => known * x + (1 - known) * Math.sin(i + epoch)) },
      ];
    }),
  );
const train = Array.from({ length: 60 }, (_, i) => 2 * i);

const checkpoints = join(folder, "theirs");
mkdirSync(checkpoints);
for (const epoch of EPOCHS) writeFileSync(join(checkpoints, `${epoch}.npz`), encodeNpz(stateAt(epoch)));
writeFileSync(join(checkpoints, "final.npz"), encodeNpz(stateAt(1000)));

const storages: Record<string, Uint8Array> = {};
const dicts = EPOCHS.map(
  (epoch): Py => ({
    dict: [...stateAt(epoch)].map(([name, { shape, data }]): [Py, Py] => {
      storages[`${epoch}/${name}`] = new Uint8Array(data.buffer);
      return [name, tensorOf(`${epoch}/${name}`, shape)];
    }),
  }),
);
const full: Py = {
  dict: [
    ["state_dicts", dicts],
    ["checkpoint_epochs", EPOCHS],
    ["train_indices", train],
    ["train_losses", [2.5, 1.5]],
    ["config", { dict: [["num_heads", config.n_heads]] }],
  ],
};

test("a folder or a file of checkpoints from elsewhere becomes a run, on which the analyses over time work", () => {
  const [a, b, c] = ["series-a", "series-b", "series-c"].map((name) => join(folder, name)) as [string, string, string];
  const one = save(torchArchive(full, storages));
  const numbered = save(torchArchive({ dict: EPOCHS.map((epoch, i): [Py, Py] => [`epoch_${epoch}`, dicts[i] as Py]) }, storages));
  const split = save(JSON.stringify({ train }), "json");
  const [first, second, third, progress, curves, norms, blind, resumed, again, short, listed] = runCommands([
    ["import", checkpoints, a, "--split", split],
    ["import", one, b],
    ["import", numbered, c],
    ["analyze", "progress", b, "--json"],
    ["analyze", "curves", a, "--json"],
    ["analyze", "norms", a, "--json"],
    ["analyze", "progress", c, "--json"],
    ["train", "--resume", a],
    ["import", checkpoints, a],
    ["import", save(encodeNpz(stateAt(5)), "npz"), join(folder, "series-d")],
    ["list", folder],
  ]);
  for (const done of [first, second, third, progress, curves, norms, blind]) assert.equal(done?.code, 0, done?.stderr);
  assert.match(first?.stderr ?? "", /left out, for want of an epoch: "final\.npz"/);
  assert.match(first?.stderr ?? "", /4 checkpoints, epochs 0 to 1000: miiii analyze progress/);
  assert.match(second?.stderr ?? "", /60 training samples as the file names them/);
  assert.match(third?.stderr ?? "", /the training samples are not known \(--split\): no metrics\.jsonl/);
  for (const path of [a, b, c]) {
    for (const epoch of EPOCHS) {
      const stored = readCheckpoint(join(path, `step-${String(epoch).padStart(9, "0")}.safetensors`));
      assert.equal(stored.epoch, epoch);
      assert.deepEqual(stored.parameters["unembed.W_U"].data, stateAt(epoch).get("unembed.W_U")?.data);
    }
  }
  assert.equal(readFileSync(join(a, "metrics.jsonl"), "utf8"), readFileSync(join(b, "metrics.jsonl"), "utf8"));
  assert.ok(!existsSync(join(c, "metrics.jsonl")));
  assert.deepEqual(JSON.parse(readFileSync(join(b, "losses.json"), "utf8")), { train_losses: [2.5, 1.5] });
  const rows = readFileSync(join(a, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ epoch }) => epoch),
    EPOCHS,
  );
  assert.deepEqual([rows[3].train.accuracy, rows[3].validation.accuracy], [[1], [1]]);
  assert.ok(rows[0].train.accuracy[0] < 0.5 && rows[0].validation.loss[0] > rows[3].validation.loss[0]);

  const { runs } = JSON.parse(progress?.stdout ?? "") as {
    runs: { result: { epochs: number[]; loss: { train?: number[][] } }; reading: ImportRecord }[];
  };
  assert.deepEqual(runs[0]?.result.epochs, EPOCHS);
  // What progress computes from the same weights and samples is what the row says, to the six digits that it prints.
  const own = rows.map(({ train: { loss } }) => loss[0] as number);
  runs[0]?.result.loss.train?.[0]?.forEach((loss, i) =>
    assert.ok(Math.abs(loss - (own[i] as number)) < 1e-5 * (own[i] as number), `${loss}`),
  );
  assert.equal(runs[0]?.reading.state, "state_dicts.3");
  assert.equal(JSON.parse(blind?.stdout ?? "").runs[0].result.loss.train, undefined);

  assert.deepEqual([listed?.code, listed?.stderr], [0, ""]);
  assert.match(listed?.stdout ?? "", /series-a +imported +11 +– +1000\/1000 +1\.000 +1\.000 +1\/1/);
  assert.match(listed?.stdout ?? "", /series-c +imported +11 +– +1000\/1000 +– +– +–/);
  assert.equal(resumed?.code, 2);
  assert.match(resumed?.stderr ?? "", /is a series that was imported and has no training to resume/);
  assert.equal(again?.code, 2);
  assert.match(again?.stderr ?? "", /must be new or empty for a new run/);
  assert.equal(short?.code, 1);
  assert.match(short?.stderr ?? "", /a series must have two models or more with their epochs in their names, has 0/);
});

test("the epoch in a name: after its word, else the last whole number; thousands and powers; never a part of a decimal", () => {
  for (const [name, epoch] of [
    ["1000", 1000],
    ["step_000500", 500],
    ["epoch=9-step=100", 9],
    ["global_step100", 100],
    ["checkpoint-500", 500],
    ["ckpt_10k", 10_000],
    ["grok-1e4", 10_000],
    ["step2M", 2_000_000],
    ["model_epoch_5_acc_0.97", 5],
    ["run3_1000", 1000],
    ["p113_seed0_20", 20],
    ["2024-01-02_1000", 1000],
    ["model_acc0.97", undefined],
    ["final", undefined],
    ["epoch10of20", 10],
    ["500steps", 500],
    ["99999999999999", undefined],
  ] as const)
    assert.equal(epochOf(name), epoch, name);
});

test("a series whose models are not of one make, or share an epoch, is refused", () => {
  const mixed = join(folder, "mixed");
  mkdirSync(mixed);
  writeFileSync(
    join(mixed, "step_10.npz"),
    encodeNpz(
      new Map(
        [...stateAt(0)].map(([name, array]) =>
          name === "blocks.0.mlp.W_in" ? [name, { ...array, shape: [...array.shape].reverse() }] : [name, array],
        ),
      ),
    ),
  );
  writeFileSync(join(mixed, "step_20.npz"), encodeNpz(stateAt(1000)));
  const twice = join(folder, "twice");
  mkdirSync(twice);
  for (const name of ["step_10.npz", "epoch=10.npz"]) writeFileSync(join(twice, name), encodeNpz(stateAt(1000)));
  const [made, shared] = runCommands([
    ["import", mixed, join(folder, "mixed-out")],
    ["import", twice, join(folder, "twice-out")],
  ]);
  assert.equal(made?.code, 1);
  assert.match(
    made?.stderr ?? "",
    /"step_10\.npz" must be of the shapes and names of the series' last model|must share|must agree/,
  );
  assert.equal(shared?.code, 1);
  assert.match(shared?.stderr ?? "", /each model must have an epoch of its own, 10 is that of "epoch=10\.npz", "step_10\.npz"/);
});
