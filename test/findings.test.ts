import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Findings, findingsPage, TOLD } from "../scripts/lib/findings.ts";
import { CLAIMS } from "../src/claims/registry.ts";
import { ruleText } from "../src/claims/sentence.ts";
import { GOLDEN_RUNS, readGolden } from "./helpers/golden.ts";

const docs = join(import.meta.dirname, "..", "docs");
const findings = JSON.parse(readFileSync(join(docs, "findings.json"), "utf8")) as Findings;

test("docs/findings.md is what its numbers make of it", () => {
  assert.equal(
    readFileSync(join(docs, "findings.md"), "utf8"),
    findingsPage(findings),
    "renew with: npm run findings -- --render",
  );
});

test("the numbers of the findings are those that the goldens hold, which are computed anew", () => {
  let compared = 0;
  for (const run of GOLDEN_RUNS) {
    const [golden, told] = [readGolden(run), findings.runs[run]?.metrics ?? assert.fail(run)];
    for (const analysis of TOLD) {
      for (const [name, value] of Object.entries(told[analysis] ?? {})) {
        const expected = golden[analysis]?.[name];
        if (golden[analysis] === undefined) continue;
        assert.ok(expected !== undefined, `${run} ${analysis}.${name} is no metric any more; renew with: npm run findings`);
        const close = Math.abs(value - expected) <= 1e-9 + 1e-6 * Math.abs(expected);
        assert.ok(close, `${run} ${analysis}.${name}: ${value} here, ${expected} in the golden; renew with: npm run findings`);
        compared += 1;
      }
    }
  }
  assert.ok(compared > 150, `${compared} numbers`);
});

test("the findings judge every claim there is, by its rule", () => {
  assert.deepEqual(
    findings.claims.map(({ id, rule }) => [id, rule]),
    CLAIMS.map(({ id, rule, values }) => [id, ruleText(rule, values)]),
    "renew with: npm run findings",
  );
});
