import assert from "node:assert/strict";
import { test } from "node:test";
import { leadingReferences, shippedReferences } from "../src/api/references.ts";
import { openRunDirectory } from "../src/checkpoint/index.ts";

test("a report's shipped runs: full-size ones first, by task, further seeds in the group of the first", () => {
  const references = shippedReferences();
  const labels = references.map(({ label }) => label);
  const place = (label: string) => labels.indexOf(label);
  assert.equal(labels[0], "nanda");
  assert.ok(place("nanda-shuffled") < place("miiii-fast") && place("miiii-fast") < place("basis-fast"), labels.join(", "));
  assert.ok(place("miiii-p53") < place("masked-p53") && place("masked-p53") < place("no-dropout-p53"), labels.join(", "));
  assert.ok(place("no-grokfast-p53") < place("no-dropout-p53"), labels.join(", "));
  assert.ok(place("basis-fast") < place("nanda-seed1"), labels.join(", "));
  const moduli = references.map(({ path }) => openRunDirectory(path).header.config.p);
  assert.deepEqual(
    moduli,
    moduli.toSorted((a, b) => b - a),
  );
  for (const { label, group } of references) {
    const base = /^(.+)-\d$/.exec(label)?.[1];
    if (base === undefined) assert.ok(group === undefined || group === label, `${label} in ${group}`);
    else assert.equal(group, base, label);
  }
});

test("a report that is given no run is of four: addition, the remainders, and the twin of each", () => {
  const labels = leadingReferences().map(({ label }) => label);
  assert.deepEqual([...labels].sort(), ["basis-fast", "miiii-fast", "nanda", "nanda-shuffled"]);
});
