import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { crash, wholeRun } from "./helpers/crash.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-crash-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("a run that is killed at any file operation resumes to the byte: a slice of `npm run crash`", async () => {
  const whole = wholeRun(folder);
  // The folder's making, its lock, the first states, the last epochs.
  for (const operation of [2, 5, 17, 61]) {
    const { finished, faults } = await crash(whole, { operation, after: operation % 2 === 0 });
    assert.deepEqual(faults, [], `killed at operation ${operation}`);
    assert.ok(!finished, `operation ${operation} must be reached`);
  }
});
