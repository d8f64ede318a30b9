import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActivationName, SeriesModel } from "../src/analyses/kit/define.ts";
import { sharedPass } from "../src/api/shared-pass.ts";

/** A source of models at epochs 1, 2, 3 that remembers what it was asked for. */
function source(failsAt?: number) {
  const opened: string[][] = [];
  const made: number[] = [];
  async function* open(names: readonly ActivationName[]): AsyncGenerator<SeriesModel> {
    opened.push([...names].sort());
    for (const epoch of [1, 2, 3]) {
      if (epoch === failsAt) throw new Error(`no model at ${epoch}`);
      made.push(epoch);
      yield { epoch, parameters: {} as SeriesModel["parameters"], activations: {} };
    }
  }
  return { open, opened, made };
}

async function epochsOf(models: AsyncIterable<SeriesModel>, most = 9): Promise<number[]> {
  const epochs: number[] = [];
  for await (const { epoch } of models) if (epochs.push(epoch) === most) break;
  return epochs;
}

test("each model is made once, with what any member asked for, whoever leaves early or never comes", async () => {
  const { open, opened, made } = source();
  const [first, second, third] = sharedPass(3, open);
  assert.ok(first && second && third);
  const all = [epochsOf(first.models(["logits"])), epochsOf(second.models(["blocks.0.mlp.hook_pre"]), 1)];
  third.leave();
  assert.deepEqual(await Promise.all(all), [[1, 2, 3], [1]]);
  assert.deepEqual([opened, made], [[["blocks.0.mlp.hook_pre", "logits"]], [1, 2, 3]]);
});

test("no model is made before all members wait; a second time through is a pass of its own", async () => {
  const { open, opened, made } = source();
  const [first, second] = sharedPass(2, open);
  assert.ok(first && second);
  const early = epochsOf(first.models(["logits"]));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(made, []);
  assert.deepEqual(await Promise.all([early, epochsOf(second.models([]))]), [
    [1, 2, 3],
    [1, 2, 3],
  ]);
  assert.deepEqual(await epochsOf(first.models(["logits"])), [1, 2, 3]);
  assert.deepEqual(opened, [["logits"], ["logits"]]);
  // So has one that wants some samples alone, whoever waits.
  const [third, fourth] = sharedPass(2, open);
  assert.deepEqual(await epochsOf((third ?? first).models(["logits"], [2], Int32Array.of(5))), [1, 2, 3]);
  const waiting = [third, fourth].map((member) => epochsOf((member ?? first).models(["logits"])));
  assert.deepEqual(await Promise.all(waiting), [
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test("a model that cannot be read fails all of them", async () => {
  const { open } = source(2);
  const members = sharedPass(2, open);
  const ends = await Promise.allSettled(members.map(({ models }) => epochsOf(models(["logits"]))));
  for (const end of ends) assert.match(String(end.status === "rejected" && end.reason), /no model at 2/);
});
