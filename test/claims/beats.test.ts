import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, runOf } from "../helpers/judged.ts";

const run = (metrics: Readonly<Record<string, number>>) =>
  runOf("miiii", {
    beats: {
      without_circuit: 1,
      by_beats: 1,
      unread_neurons: 28,
      unread_beats: 28,
      unread_least: 0,
      beat_circuit: 0.95,
      beat_additive: 0.97,
      beat_control: 0.22,
      beat_chance: 0.2,
      ...metrics,
    },
  });

test("a task without a circuit is computed by beats where its neurons beat and their carriers alone answer it", () => {
  assert.equal(judge("by-beats", [run({})]).verdict, "reproduced");
  // Carriers that answer less are beats still, as long as they answer more than any control.
  assert.equal(judge("by-beats", [run({ beat_circuit: 0.8 })]).verdict, "partly");
  assert.equal(judge("by-beats", [run({ beat_circuit: 0.21 })]).verdict, "not reproduced");
  // Another task without a circuit does not beat.
  assert.equal(judge("by-beats", [run({ without_circuit: 2 })]).verdict, "partly");
  assert.equal(judge("by-beats", [run({ by_beats: 0, beat_circuit: 0 })]).verdict, "not reproduced");
  assert.match(judge("by-beats", [run({})]).ours, /1 of 1: 28 of 28 neurons beat/);
});

test("of runs in which every answered task has its circuit there is nothing to say", () => {
  const none = runOf("miiii", { beats: { without_circuit: 0, by_beats: 0 } });
  const { verdict, why } = judge("by-beats", [none]);
  assert.equal(verdict, "not tested");
  assert.match(String(why), /requires .*tasks answered without a circuit/);
});
