import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Claim } from "../../src/claims/claim.ts";
import { judgeClaim } from "../../src/claims/judge.ts";
import { CLAIMS } from "../../src/claims/registry.ts";
import { limitOf, of, type Threshold, thresholdsOfRule, times, type Values, verdictOf } from "../../src/claims/rule.ts";
import { valueText } from "../../src/claims/sentence.ts";
import { type Random, randomStream } from "../../src/core/index.ts";

/**
 * Every rule with what it says just below, at and just above each of its thresholds, the other values being such that it matters:
 * made by this test with RENEW=1, read by a person. A threshold that moves, turns round or loses its equals changes a line.
 */
const TABLE = join(import.meta.dirname, "thresholds.json");

const OFF = 0.001;

/** A little below, at and a little above a limit. */
const sides = (limit: number) =>
  limit === 0 ? [-OFF, 0, OFF] : [limit * (1 - OFF * Math.sign(limit)), limit, limit * (1 + OFF * Math.sign(limit))];

/** Values at random: each near a limit that it is compared with, or of an ordinary size. */
function someValues(claim: Claim, thresholds: readonly Threshold<string>[], random: Random): Values {
  const sizes = [0, 0.2, 0.7, 1, 3, 8, 30, 500];
  const values: Record<string, number> = {};
  for (const name of Object.keys(claim.values)) values[name] = sizes[random.integer(sizes.length)] ?? 0;
  for (const { value, than } of thresholds) {
    if (random.integer(2) === 0) continue;
    const side = sides(limitOf(than, values))[random.integer(3)];
    values[value] = side ?? 0;
  }
  return values;
}

/** What a rule says below, at and above a threshold, where the other values make it matter; undefined where none were found. */
function aroundThreshold(claim: Claim, threshold: Threshold<string>, all: readonly Threshold<string>[]): string | undefined {
  const random = randomStream(0, `thresholds/${claim.id}`);
  for (let draw = 0; draw < 20_000; draw++) {
    const values = someValues(claim, all, random);
    const limit = limitOf(threshold.than, values);
    if (limit === 0 && typeof threshold.than !== "number") continue;
    const said = sides(limit).map((side) => verdictOf(claim.rule, { ...values, [threshold.value]: side }).verdict);
    if (said[0] !== said[2]) return said.join(" | ");
  }
  return undefined;
}

const limitText = ({ than }: Threshold<string>) =>
  typeof than === "number" ? String(than) : `${than.times ?? 1}·${than.value}${than.plus ? ` + ${than.plus}` : ""}`;

/** The verdicts that a rule gives on some values. */
function reachedBy(claim: Claim, thresholds: readonly Threshold<string>[]): string[] {
  const random = randomStream(1, `thresholds/${claim.id}`);
  const said = Array.from({ length: 2000 }, () => verdictOf(claim.rule, someValues(claim, thresholds, random)).verdict);
  return [...new Set<string>(said)];
}

function tableOf(claim: Claim) {
  const thresholds = thresholdsOfRule(claim.rule);
  return {
    rule: judgeClaim(claim, []).rule,
    thresholds: Object.fromEntries(
      thresholds.map((threshold) => [
        `${threshold.value} ${threshold.is} ${limitText(threshold)}`,
        aroundThreshold(claim, threshold, thresholds) ?? "never matters",
      ]),
    ),
  };
}

const now = Object.fromEntries(CLAIMS.map((claim) => [claim.id, tableOf(claim)]));
if (process.env.RENEW === "1") writeFileSync(TABLE, `${JSON.stringify(now, undefined, 2)}\n`);

test("every threshold of every claim is where it was, from both sides, and is in the sentence that the page prints", () => {
  const expected = JSON.parse(readFileSync(TABLE, "utf8")) as typeof now;
  assert.deepEqual(
    Object.keys(now),
    Object.keys(expected),
    "claims differ; if that is meant, renew with RENEW=1 and read the difference",
  );
  for (const claim of CLAIMS) {
    assert.deepEqual(
      now[claim.id],
      expected[claim.id],
      `${claim.id}; if that is meant, renew with RENEW=1 and read the difference`,
    );
    const rule = now[claim.id]?.rule ?? "";
    for (const { value, than } of thresholdsOfRule(claim.rule)) {
      const { words, unit } = claim.values[value] ?? assert.fail(`${claim.id}: ${value}`);
      assert.ok(rule.toLowerCase().includes(words.toLowerCase()), `${claim.id}: "${words}" in "${rule}"`);
      const limit = typeof than === "number" ? valueText(than, unit) : (claim.values[than.value]?.words ?? "");
      assert.ok(rule.includes(limit), `${claim.id}: "${limit}" in "${rule}"`);
    }
  }
});

test("no threshold is idle, and every verdict of every claim is reached", () => {
  for (const claim of CLAIMS) {
    const { thresholds } = now[claim.id] ?? assert.fail(claim.id);
    assert.ok(!Object.values(thresholds).includes("never matters"), `${claim.id}: ${JSON.stringify(thresholds)}`);
    const said = reachedBy(claim, thresholdsOfRule(claim.rule));
    const reachable = [
      "reproduced",
      ...(claim.rule.partly === undefined ? [] : ["partly"]),
      "not reproduced",
      ...(claim.rule.requires.length > 0 ? ["not tested"] : []),
    ];
    assert.deepEqual(
      reachable.filter((verdict) => !said.includes(verdict)),
      [],
      claim.id,
    );
  }
});

test("an operand is another value, scaled, then moved; nothing where that is missing", () => {
  assert.equal(limitOf({ value: "a", times: 2, plus: 3 }, { a: 5 }), 13);
  assert.equal(limitOf(of("a", -1), { a: 5 }), 4);
  assert.equal(limitOf(times(0.5, "a"), { a: 5 }), 2.5);
  assert.ok(Number.isNaN(limitOf(of("a"), {})));
});
