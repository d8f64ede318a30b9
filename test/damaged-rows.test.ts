import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadModel } from "../src/api/models.ts";
import { provenanceOf } from "../src/api/provenance.ts";
import { ROOT } from "./helpers/source.ts";

test("a damaged row of metrics or history costs what is read of it, and not where the model comes from", async () => {
  const folder = mkdtempSync(join(tmpdir(), "miiii-rows-"));
  try {
    const path = join(folder, "run");
    const shipped = join(ROOT, "fixtures/miiii-p53");
    const last = readdirSync(shipped)
      .filter((name) => name.endsWith(".safetensors"))
      .at(-1);
    for (const name of ["config.json", "metrics.jsonl", "history.jsonl", last ?? ""])
      cpSync(join(shipped, name), join(path, name), { recursive: true });
    const read = async () => provenanceOf(await loadModel({ label: "run", kind: "run", path }));
    const whole = await read();
    assert.ok(whole.series !== undefined && whole.wall_time_s !== undefined);
    appendFileSync(join(path, "metrics.jsonl"), '{"epoch": 30000}\n{"epoch": 30001}\n');
    const { series: _, ...rest } = whole;
    assert.deepEqual(await read(), rest);
    appendFileSync(join(path, "history.jsonl"), '{"epoch": 30000}\n{"epoch": 30001}\n');
    const damaged = await read();
    assert.deepEqual([damaged.command, damaged.epochs], [whole.command, whole.epochs]);
    assert.equal(damaged.wall_time_s, undefined);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
