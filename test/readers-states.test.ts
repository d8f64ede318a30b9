import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { importModel } from "../src/checkpoint/index.ts";
import type { NdArray } from "../src/core/index.ts";
import { fails } from "./helpers/fails.ts";
import { arrays, only, save, short, truth } from "./helpers/import-models.ts";
import { type Py, tensorOf, torchArchive } from "./helpers/torch-archive.ts";

/** An archive of several state dicts of which each has its own value in one place. */
function archive(wrap: (dicts: readonly Py[]) => Py, count: number): string {
  const storages: Record<string, Uint8Array> = {};
  const dicts = Array.from(
    { length: count },
    (_, i): Py => ({
      dict: Object.entries(truth).map(([name, { shape, data }], j): [Py, Py] => {
        const copy = data.slice();
        if (name === short.pos) copy[0] = i;
        storages[`${i}-${j}`] = new Uint8Array(copy.buffer);
        return [name, tensorOf(`${i}-${j}`, shape)];
      }),
    }),
  );
  return save(torchArchive(wrap(dicts), storages));
}
const which = (path: string, state?: string) => {
  const { model, source, record } = only(path, state === undefined ? {} : { state });
  return [model?.parameters[short.pos].data[0], source, record?.other_states?.count];
};

test("of several models in one file the last by number is read, the others are named, and --state chooses", () => {
  const keyed = (keys: readonly Py[]) =>
    archive((dicts) => ({ dict: keys.map((key, i): [Py, Py] => [key, dicts[i] as Py]) }), keys.length);
  const cases: [string, number, string, string, number][] = [
    [archive((dicts) => dicts, 3), 2, "2", "0", 0],
    [keyed(["epoch_200", "epoch_1000", "epoch_30"]), 1, "epoch_1000", "30", 2],
    [keyed([100, 2000, 30]), 1, "2000", "100", 0],
    [keyed(["final", "init"]), 0, "final", "init", 1],
    [keyed(["init", "final"]), 1, "final", "init", 0],
    [keyed(["ema", "model"]), 1, "model", "ema", 0],
    [
      archive(
        (dicts) => ({
          dict: [
            ["state_dicts", dicts],
            ["model", dicts[0] as Py],
          ],
        }),
        2,
      ),
      0,
      "model",
      "state_dicts.1",
      1,
    ],
  ];
  for (const [path, last, source, other, place] of cases) {
    assert.deepEqual(which(path).slice(0, 2), [last, source]);
    assert.equal(which(path, other)[0], place, `${source}: ${other}`);
    assert.ok(Number(which(path)[2]) >= 1);
  }
  const list = cases[0]?.[0] ?? "";
  fails(
    () => importModel(list, { state: "7" }),
    "usage",
    /--state "7": must name a model of the file; the file holds 3: "2", "1", "0"/,
  );
  fails(() => importModel(save(encodeNpz(arrays), "npz"), { state: "7" }), "usage", /the file holds one model, without a key/);
});

test("models under prefixes of one flat file are told apart as well", () => {
  const prefixed = (prefix: string, value: number) =>
    Object.entries(truth).map(([name, tensor]): [string, NdArray] => [
      `${prefix}.${name}`,
      name === short.pos ? { ...tensor, data: tensor.data.map((x, i) => (i === 0 ? value : x)) } : tensor,
    ]);
  const path = save(encodeNpz(new Map([...prefixed("step_5", 5), ...prefixed("step_40", 40)])), "npz");
  assert.deepEqual(which(path), [40, "step_40", 1]);
  assert.deepEqual(which(path, "step_5"), [5, "step_5", 1]);
});
