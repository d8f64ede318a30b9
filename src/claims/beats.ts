import { noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import type { MetricName } from "./metrics.ts";
import { BEYOND, NOT_PRINTED } from "./papers.ts";
import { above, atLeast, holds, of } from "./rule.ts";
import { metricOf } from "./run.ts";

/** A metric of the tasks without circuits; 0 where there are none, of which the rule then has nothing to say. */
const ofUnread = (name: MetricName<"beats">, words: string, unit: "count" | "share") =>
  derived(words, unit, (run) => (run.results.beats === undefined ? noResult(run, "beats") : (metricOf(run, "beats", name) ?? 0)));

const byBeats = defineClaim({
  id: "by-beats",
  paper: BEYOND,
  claim:
    "A task that is answered without a circuit of its own is computed by beats: in each digit its neurons carry two waves whose sum or difference is the task's frequency.",
  printed: NOT_PRINTED,
  analysis: "beats",
  subject: { roles: ["miiii"], solved: true },
  values: {
    without: metric("beats", "without_circuit", "tasks answered without a circuit of their own", "count"),
    by_beats: metric("beats", "by_beats", "tasks of these whose most-read neurons beat", "count"),
    neurons: ofUnread("unread_neurons", "neurons that they are read from most", "count"),
    beating: ofUnread("unread_beats", "number of these that beat", "count"),
    carriers: ofUnread("beat_circuit", "accuracy by the beating neurons' carriers alone", "share"),
    additive: ofUnread("beat_additive", "accuracy by the beating neurons' own f(x0) + g(x1)", "share"),
    least: asNull(ofUnread("unread_least", "beating neurons among as many least-read ones", "count")),
    control: asNull(ofUnread("beat_control", "largest accuracy of any control's draw", "share")),
    chance: asNull(ofUnread("beat_chance", "accuracy of a guess", "share")),
  },
  rule: holds(atLeast("by_beats", of("without")), atLeast("carriers", 0.9))
    .requiring(atLeast("without", 1))
    .orPartly(atLeast("by_beats", 1), above("carriers", of("control"))),
  ours: "{by_beats} of {without}: {beating} of {neurons} neurons beat; their carriers alone answer {carriers}, their f + g {additive}",
  none: "{least} of the least-read neurons; controls at most {control}, {chance} by chance",
});

/** Claims of this toolkit about tasks without circuits of their own. */
export const BEAT_CLAIMS: readonly Claim[] = [byBeats];
