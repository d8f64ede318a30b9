import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readyPython } from "../src/sweep/environment.ts";
import { parseSpec, type SweepSpec } from "../src/sweep/spec.ts";
import { Study, workerCommand } from "../src/sweep/study.ts";

const python = readyPython();
const options = { skip: python === undefined ? "no Python with Optuna: the first `miiii sweep` makes one" : false };
const folder = mkdtempSync(join(tmpdir(), "miiii-optuna-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const ranges = {
  lr: { low: 0.0001, high: 0.01, log: true },
  warmup: { low: 0, high: 20, step: 5 },
  dropout: { low: 0, high: 0.5 },
};
const lists = { lr: [0.001, 0.01], init: ["he", "nanda", "he-jax"] };
const specOf = (change: object) =>
  parseSpec({
    study: "a",
    base: { preset: "miiii", set: { p: 11 } },
    space: ranges,
    seeds: [0],
    budget: { trials: 12, epochs: 100 },
    heartbeat: 1,
    ...change,
  });

async function open(name: string, spec: SweepSpec): Promise<Study> {
  const place = { storage: `sqlite:///${join(folder, `${name}.db`)}`, study: spec.study };
  const study = new Study(place, workerCommand(python ?? ""), () => undefined);
  await study.open({ spec, attrs: { miiii_spec: "{}" } });
  await study.begin(spec, true);
  return study;
}

/** Ends every trial as worth the logarithm of its learning rate, pruned where Optuna says so; gives how many were pruned. */
async function finish(study: Study): Promise<number> {
  let pruned = 0;
  for (;;) {
    const { trial } = await study.claim();
    if (trial === null) return pruned;
    const value = Math.log10(Number(trial.params.lr));
    let stop = false;
    for (let epoch = 25; epoch <= 100 && !stop; epoch += 25)
      stop = (await study.report(trial.number, [[epoch, value + epoch / 1000]])).prune;
    pruned += Number(stop);
    await study.tell(trial.number, stop ? { state: "PRUNED", attrs: {} } : { state: "COMPLETE", value, attrs: {} });
  }
}

test("every sampler ends every trial once, within its ranges; the grid has every point once", options, async () => {
  for (const sampler of ["tpe", "random", "cmaes", "grid"] as const) {
    const study = await open(
      sampler,
      specOf({ sampler, ...(sampler === "grid" ? { space: lists, budget: { epochs: 100 } } : {}) }),
    );
    await finish(study);
    const { trials, importances } = await study.show();
    await study.close();
    const number = sampler === "grid" ? 6 : 12;
    assert.deepEqual(
      trials.map((trial) => [trial.number, trial.state]),
      Array.from({ length: number }, (_, i) => [i, "complete"]),
      sampler,
    );
    assert.equal(new Set(trials.map(({ params }) => JSON.stringify(params))).size, number, `${sampler}: points repeat`);
    if (sampler === "grid") continue;
    for (const { params } of trials) {
      const [lr, warmup] = [Number(params.lr), Number(params.warmup)];
      assert.ok(lr >= 0.0001 && lr <= 0.01 && warmup % 5 === 0 && warmup <= 20, JSON.stringify(params));
    }
    assert.equal(Object.keys(importances)[0], "lr", "the one parameter that matters");
  }
});

test("median and Hyperband stop trials", options, async () => {
  for (const pruner of ["median", "hyperband"] as const) {
    const study = await open(pruner, specOf({ pruner, sampler: "random", budget: { trials: 16, epochs: 100 } }));
    const pruned = await finish(study);
    const { counts } = await study.counts();
    await study.close();
    assert.equal(counts.pruned, pruned);
    assert.equal(counts.pruned + counts.complete, 16);
    assert.ok(pruned > 0 && pruned < 16, `${pruner}: ${pruned} of 16`);
  }
});

test("a trial that is given back, or whose worker is gone, keeps its number and parameters, and ends once", options, async () => {
  const spec = specOf({ budget: { trials: 1, epochs: 100 } });
  const first = await open("taken", spec);
  const { trial } = await first.claim();
  assert.ok(trial !== null);
  await first.report(0, [[2, 0.5]]);
  const second = await open("taken", spec);
  const none = await second.claim();
  assert.equal(none.trial, null, "it has a living owner");
  await first.release([0]);
  const taken = (await second.claim()).trial;
  assert.deepEqual([taken?.number, taken?.params, taken?.taken_up, taken?.step], [0, trial.params, true, 2]);
  // Who had it learns that it is lost, and cannot end it.
  assert.deepEqual(await first.beat([0]), { lost: [0] });
  assert.deepEqual(await first.report(0, [[4, 1]]), { lost: true, prune: false });
  assert.deepEqual(await first.tell(0, { state: "COMPLETE", value: 9, attrs: {} }), { lost: true });
  // A process that dies over it silently: this one's number is alive, so only the heartbeat tells.
  await second.close();
  const { trial: again } = await new Promise<Awaited<ReturnType<Study["claim"]>>>((resolve, reject) => {
    const ask = () => first.claim().then((claimed) => (claimed.trial === null ? setTimeout(ask, 500) : resolve(claimed)), reject);
    ask();
  });
  assert.deepEqual([again?.number, again?.params], [0, trial.params]);
  assert.deepEqual(await first.tell(0, { state: "COMPLETE", value: 1, attrs: { seeds: [] } }), { lost: false });
  const { trials } = await first.show();
  await first.close();
  assert.deepEqual(
    trials.map(({ state, value }) => [state, value]),
    [["complete", 1]],
  );
});

test("a storage that cannot be reached, and an address that is none, are one line", options, async () => {
  for (const [storage, words] of [
    ["postgresql://nobody@127.0.0.1:1/none", /postgresql:\/\/nobody@127\.0\.0\.1:1\/none: cannot be reached: .*refused/],
    ["mysql://nobody:secret@127.0.0.1:1/none", /mysql:\/\/nobody@127\.0\.0\.1:1\/none: cannot be reached/],
    ["nonsense", /must be a database's address/],
    ["oracle7://a/b", /must be a database's address/],
    [`sqlite:///${folder}/none/study.db`, /cannot be reached: unable to open database file/],
  ] as const) {
    const study = new Study({ storage, study: "a" }, workerCommand(python ?? ""), () => undefined);
    await assert.rejects(study.open(), (error: Error) => words.test(error.message) && !error.message.includes("secret"), storage);
    await study.close();
  }
});
