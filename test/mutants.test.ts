import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MUTANTS } from "../scripts/mutants/list.ts";
import { ROOT } from "./helpers/source.ts";

test("each deliberate fault changes one place that is there, and has tests beside it (npm run mutants tries them)", () => {
  assert.ok(MUTANTS.length >= 60, `${MUTANTS.length} faults`);
  for (const { file, find, replace, tests } of MUTANTS) {
    const parts = readFileSync(join(ROOT, file), "utf8").split(find);
    assert.equal(parts.length, 2, `${file}: "${find}" must occur once, occurs ${parts.length - 1} times`);
    assert.notEqual(find, replace);
    assert.ok(
      tests.some((path) => existsSync(join(ROOT, path))),
      `${file}: one of ${tests.join(", ")} must be there`,
    );
  }
});
