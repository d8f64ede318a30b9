import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { listCheckpoints, readHistory, readMetrics } from "../src/checkpoint/index.ts";
import { parseSpec } from "../src/sweep/spec.ts";
import { shownStorage } from "../src/sweep/study.ts";
import { joinSweep, openSweep, type Sweep } from "../src/sweep/sweep.ts";
import { seedFolder } from "../src/sweep/trial.ts";
import { type SweepEvent, workOn } from "../src/sweep/work.ts";
import { ROOT } from "./helpers/source.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-sweep-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const command = [process.execPath, join(ROOT, "test/helpers/study-worker.mjs")] as const;

const specOf = (change: object = {}) =>
  parseSpec({
    study: "tiny",
    base: { preset: "miiii", set: { p: 5, d_model: 4, n_heads: 1, d_mlp: 4, train_fraction: 0.6 } },
    space: { lr: { low: 0.001, high: 0.01 }, grokfast_lambda: [0, 2] },
    seeds: [0, 1],
    budget: { trials: 2, epochs: 20 },
    heartbeat: 1,
    ...change,
  });

interface Stored {
  readonly trials: readonly {
    state: string;
    value: number;
    claims: number;
    reports: [number, number][];
    attrs: { seeds: { value: number }[] };
  }[];
}

/** A sweep in a folder of its own, with what the fake study's file holds before and after. */
function place(name: string) {
  const path = join(folder, `${name}.json`);
  return {
    where: { folder: join(folder, name), storage: `fake:${path}` },
    plant: (value: object) =>
      writeFileSync(
        path,
        JSON.stringify({ ...(existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { trials: [] }), ...value }),
      ),
    stored: () => JSON.parse(readFileSync(path, "utf8")) as Stored,
  };
}

async function work(
  sweep: Sweep,
  onEvent: (event: SweepEvent, stop: () => void) => void = () => undefined,
): Promise<SweepEvent[]> {
  const controller = new AbortController();
  const events: SweepEvent[] = [];
  try {
    await workOn(sweep.study, sweep.spec, sweep.folder, {
      jobs: 1,
      runtime: "onnx",
      threads: 1,
      signal: controller.signal,
      onEvent: (event) => {
        events.push(event);
        onEvent(event, () => controller.abort());
      },
    });
  } finally {
    await sweep.study.close();
  }
  return events;
}

const ends = (events: readonly SweepEvent[]) => events.flatMap((event) => (event.type === "ended" ? [event.end.type] : []));

test("a sweep trains each trial's seeds into run directories, is stopped, goes on, and tells the mean of the seeds once", async () => {
  const { where, stored } = place("whole");
  const options = { command, onNote: () => undefined };
  let stopped = false;
  const first = await work(await openSweep(specOf(), where, options), (event, stop) => {
    if (event.type !== "epoch" || stopped) return;
    stopped = true;
    stop();
  });
  assert.deepEqual(ends(first), ["stopped"]);
  assert.deepEqual(
    stored().trials.map(({ state }) => state),
    ["waiting", "waiting"],
  );
  // By the folder alone, as any worker joins.
  const second = await work(await joinSweep({ folder: where.folder, storage: where.storage }, undefined, options));
  assert.deepEqual(ends(second), ["complete", "complete"]);
  const { trials } = stored();
  assert.deepEqual(
    trials.map(({ claims }) => claims),
    [2, 1],
  );
  for (const [number, { state, value, reports, attrs }] of trials.entries()) {
    const finals = [0, 1].map((seed) => {
      const path = join(where.folder, seedFolder(number, seed));
      assert.deepEqual(
        listCheckpoints({ path }).map(({ epoch }) => epoch),
        [0, 20],
        "the first and the last checkpoint are kept",
      );
      const accuracy = readMetrics({ path }).rows.at(-1)?.validation.accuracy ?? [];
      return accuracy.reduce((sum, x) => sum + x, 0) / accuracy.length;
    });
    assert.equal(state, "complete");
    assert.deepEqual(
      attrs.seeds.map((seed) => seed.value),
      finals,
    );
    assert.equal(value, ((finals[0] ?? 0) + (finals[1] ?? 0)) / 2);
    const steps = reports.map(([step]) => step);
    assert.deepEqual(
      steps,
      Array.from({ length: 20 }, (_, i) => 2 * i + 2),
      "each step once, over both seeds",
    );
    assert.deepEqual(reports.at(-1)?.[1], value);
  }
  // The run that was stopped was resumed, not begun anew.
  const history = readHistory({ path: join(where.folder, seedFolder(0, 0)) }).rows;
  assert.deepEqual(
    history.map(({ from_epoch, interrupted }) => [from_epoch > 0, interrupted]),
    [
      [false, true],
      [true, false],
    ],
  );
});

test("a pruned trial stops, a trial that another worker has is let go, and what cannot train fails with its reason", async () => {
  const { where, plant, stored } = place("pruned");
  plant({ prune: 0, steal: 1 });
  const spec = specOf({ seeds: [0], budget: { trials: 2, epochs: 2000 }, space: { lr: [0.001, 1e30] } });
  const events = await work(await openSweep(spec, where, { command, onNote: () => undefined }), (event, stop) => {
    if (event.type === "ended" && event.end.type === "failed") stop();
  }).catch((error: unknown) => assert.fail(String(error)));
  const found = ends(events);
  assert.equal(found[0], "pruned");
  const { state, attrs } = stored().trials[1] ?? {};
  assert.ok(found.includes("failed") || found.includes("lost"), found.join());
  assert.equal(state, "fail");
  assert.match(JSON.stringify(attrs), /loss and gradients must be finite/);
});

test("what stands in the way is one line, and nothing is lost", async () => {
  const { where, plant, stored } = place("refused");
  const options = { command, onNote: () => undefined };
  await (await openSweep(specOf(), where, options)).study.close();
  const before = stored();
  const changed = specOf({ space: { lr: { low: 0.001, high: 0.02 }, grokfast_lambda: [0, 2] } });
  await assert.rejects(openSweep(changed, where, options), /another specification \(space\.lr\.high: was 0\.01, is 0\.02\)/);
  await assert.rejects(openSweep(specOf({ study: "other" }), where, options), /holds the sweep tiny; choose another --out/);
  await assert.rejects(
    openSweep(specOf(), { ...where, storage: "fake:/elsewhere" }, options),
    /its study is in .*--storage says/,
  );
  await assert.rejects(joinSweep({ folder: join(folder, "none") }, undefined, options), /holds no sweep\.json/);
  const more = await openSweep(specOf({ budget: { trials: 3, epochs: 20 } }), where, options);
  await more.study.close();
  assert.equal(stored().trials.length, 3, "the number of trials may be raised");
  assert.deepEqual(stored().trials.slice(0, 2), before.trials);
  plant({ attrs: { miiii_spec: "{}", miiii_format: 99, miiii_version: "9.0" } });
  await assert.rejects(openSweep(specOf(), where, options), /is of format 99 of miiii 9\.0/);
  plant({ attrs: {} });
  await assert.rejects(openSweep(specOf(), where, options), /must be made by miiii sweep run/);
  plant({ refuse: "cannot be reached: no route" });
  await assert.rejects(openSweep(specOf(), where, options), /cannot be reached: no route/);
  const dying = place("dying");
  dying.plant({ die: "claim" });
  const sweep = await openSweep(specOf(), dying.where, options);
  await assert.rejects(work(sweep), /the process that holds the study ended: ValueError: planted/);
  const missing = { ...options, command: [join(folder, "no-python")] as const };
  await assert.rejects(openSweep(specOf(), place("missing").where, missing), /ended: spawn .* ENOENT/);
});

test("a password is never shown or kept", () => {
  assert.equal(shownStorage("postgresql://me:se/cr%40t@host:5432/db"), "postgresql://me@host:5432/db");
  assert.equal(shownStorage("postgresql://me@host/db"), "postgresql://me@host/db");
  assert.equal(shownStorage("sqlite:////tmp/a:b@c.db"), "sqlite:////tmp/a:b@c.db");
});
