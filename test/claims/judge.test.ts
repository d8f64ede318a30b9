import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ANALYSES } from "../../src/analyses/registry.ts";
import { judgeClaim } from "../../src/claims/judge.ts";
import { CLAIMS } from "../../src/claims/registry.ts";
import type { Preset } from "../../src/train/presets.ts";
import { inPaper, judge, miiii, runOf, trained } from "../helpers/judged.ts";
import { ROOT, readSources } from "../helpers/source.ts";

test("every claim is whole, refers to an analysis, and without its run is not tested", () => {
  assert.equal(new Set(CLAIMS.map(({ id }) => id)).size, CLAIMS.length);
  for (const claim of CLAIMS) {
    assert.ok(
      ANALYSES.some(({ id }) => id === claim.analysis),
      `${claim.id}: ${claim.analysis}`,
    );
    const judged = judgeClaim(claim, []);
    for (const text of [judged.paper, judged.claim, judged.printed, judged.rule]) assert.ok(text.length > 0, claim.id);
    assert.match(judged.rule, /^Reproduced: .*not reproduced\./, claim.id);
    assert.deepEqual([judged.verdict, judged.ours, judged.missing, judged.n], ["not tested", "", true, undefined], claim.id);
    assert.match(judged.why ?? "", /^no run of .* is among these$/, claim.id);
  }
});

test("every name in a template is a value or a text of its claim", () => {
  for (const claim of CLAIMS) {
    const known = [...Object.keys(claim.values), ...Object.keys(claim.texts ?? {})];
    for (const template of [claim.ours, claim.none, claim.twin ?? "", ...Object.values(claim.notes ?? {})])
      for (const [, name = ""] of template.matchAll(/\{(\w+)\}/g)) assert.ok(known.includes(name), `${claim.id}: {${name}}`);
  }
});

test("without its numbers a claim is not tested, and says which are missing", () => {
  const presets: Preset[] = ["nanda", "miiii", "basis", "masked", "no-grokfast", "no-dropout"];
  for (const claim of CLAIMS) {
    const { verdict, why } = judgeClaim(
      claim,
      presets.map((preset) => runOf(preset, {})),
    );
    assert.equal(verdict, "not tested", claim.id);
    assert.match(why ?? "", /was not run|no run of/, claim.id);
  }
});

test("the verdict is that of the papers' p, with replications at another p beside it and the number of runs and seeds", () => {
  const small = { ...trained("miiii", (q) => (q === 3 ? null : inPaper(q)), 65_536, { p: 53, seed: 1 }), label: "small" };
  const judged = judge("all-heads", [miiii, small]);
  assert.equal(judged.verdict, "reproduced");
  assert.deepEqual(judged.n, { p: 113, runs: 1, seeds: 1 });
  assert.deepEqual(judged.replications, [{ verdict: "partly", n: { p: 53, runs: 1, seeds: 1 } }]);
  assert.deepEqual(
    judged.runs.map(({ label, p, seed, verdict }) => [label, p, seed, verdict]),
    [
      ["miiii", 113, 0, "reproduced"],
      ["small", 53, 1, "partly"],
    ],
  );
  const again = judge("all-heads", [miiii, { ...miiii, label: "again" }, small]);
  assert.deepEqual(again.n, { p: 113, runs: 2, seeds: 1 });
  const alone = judge("all-heads", [small]);
  assert.deepEqual([alone.verdict, alone.n?.p, alone.replications], ["partly", 53, []]);
  const values = Object.fromEntries(
    alone.runs[0]?.values.map(({ name, value, text, unit }) => [name, { value, text, unit }]) ?? [],
  );
  assert.deepEqual(values.perfect, { value: 28, text: "28", unit: "count" });
  const stopped = trained("miiii", (q) => (q === 3 ? null : inPaper(q)), 60_000);
  assert.match(judge("all-heads", [stopped]).why ?? "", /^stopped at epoch 60,000 of 65,536 planned$/);
  const young = { ...trained("miiii", () => null, 1000), label: "young" };
  assert.match(judge("all-heads", [young, small]).ours, /^small: 1 on 28/);
});

test("what is missing is a value, whatever a label says", () => {
  const named = { ...trained("miiii", () => null, 1000), label: "no run" };
  const { missing, verdict, runs } = judge("all-heads", [named]);
  assert.deepEqual([missing, verdict, runs[0]?.absence], [false, "not tested", "not generalised"]);
  assert.equal(judge("all-heads", []).missing, true);
  const ablation = judge("no-grokfast", [trained("no-grokfast", () => null, 65_536)]);
  assert.deepEqual([ablation.missing, ablation.runs[0]?.absence], [true, "no run"]);
  assert.equal(judge("svd-nanda", [runOf("nanda", {})]).runs[0]?.absence, "no result");
});

test("every claim is judged by hand-made numbers, in the test of its family's name", async () => {
  const seen: string[] = [];
  const untested: string[] = [];
  for (const path of readSources("src/claims").keys()) {
    if (path.endsWith("/registry.ts")) continue;
    const exported: Record<string, unknown> = await import(join(ROOT, path));
    const ids = Object.entries(exported).flatMap(([name, claims]) =>
      name.endsWith("_CLAIMS") ? (claims as typeof CLAIMS).map(({ id }) => id) : [],
    );
    if (ids.length === 0) continue;
    seen.push(...ids);
    const file = join(ROOT, path.replace(/^src/, "test").replace(/\.ts$/, ".test.ts"));
    assert.ok(existsSync(file), `${path}: ${file} must be there`);
    const text = readFileSync(file, "utf8");
    untested.push(...ids.filter((id) => !text.includes(`"${id}"`)));
  }
  assert.deepEqual(seen.sort(), CLAIMS.map(({ id }) => id).sort());
  assert.deepEqual(untested, []);
});
