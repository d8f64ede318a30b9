import { noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { BEYOND, NOT_PRINTED } from "./papers.ts";
import { above, atLeast, atMost, holds, of, times } from "./rule.ts";
import { resultOf } from "./run.ts";

const checkpoints = metric("course", "checkpoints", "number of checkpoints", "count");

const circuitFirst = defineClaim({
  id: "circuit-first",
  paper: BEYOND,
  claim: "A task's circuit is there before the model generalises on the task.",
  printed: NOT_PRINTED,
  analysis: "course",
  subject: { roles: ["miiii"], solved: true },
  values: {
    checkpoints,
    earlier: metric(
      "course",
      "circuit_earlier",
      "tasks whose circuit stays at 0.99 from an earlier checkpoint than validation accuracy",
      "count",
    ),
    later: metric("course", "circuit_later", "tasks whose circuit does so from a later one", "count"),
    tasks: derived("number of tasks", "count", (run) => resultOf(run, "course")?.tasks.length ?? noResult(run, "course")),
  },
  rule: holds(atLeast("earlier", times(0.5, "tasks")), atMost("later", times(0.1, "tasks")))
    .orPartly(above("earlier", of("later")))
    .requiring(atLeast("checkpoints", 4)),
  ours: "earlier in {earlier} of {tasks} tasks, later in {later}, over {checkpoints} checkpoints",
  none: "the same checkpoint",
});

const temporary = defineClaim({
  id: "temporary-circuits",
  paper: "newer work of the paper's authors",
  claim: "Training passes through temporary circuits: frequencies (q, k) that are in use for a while and gone in the end.",
  printed: "no count in print",
  analysis: "course",
  subject: { roles: ["miiii"], solved: true },
  values: {
    checkpoints,
    temporary: metric(
      "course",
      "pairs_temporary",
      "pairs (q, k) that were in use at a checkpoint and are not at the last",
      "count",
    ),
    in_use: metric("course", "pairs_in_use", "pairs in use at the last", "count"),
  },
  rule: holds(atLeast("temporary", times(0.1, "in_use")))
    .orPartly(atLeast("temporary", 1))
    .requiring(atLeast("checkpoints", 4)),
  ours: "{temporary} gone, {in_use} in use at the end, over {checkpoints} checkpoints",
  none: "0",
  twin: "{temporary} gone, {in_use} in use",
});

const idle = defineClaim({
  id: "temporary-idle",
  paper: "newer work of the paper's authors",
  claim: "Temporary circuits serve neither memorisation nor the final solution: no task suffers without them.",
  printed: "no number in print",
  analysis: "course",
  subject: { roles: ["miiii"], solved: true },
  values: {
    ablated: metric("course", "temporary_ablated", "temporary pairs (q, k) ablated at the checkpoint of their peak", "count"),
    needed: metric(
      "course",
      "temporary_needed",
      "pairs without which a task loses more accuracy, on samples trained on or not, than without any random group of as many neurons",
      "count",
    ),
    chance: asNull(metric("course", "temporary_needed_by_chance", "as many by chance, at most", "number")),
    worst: metric("course", "temporary_worst", "largest accuracy that any task loses", "share"),
  },
  rule: holds(atMost("needed", of("chance")))
    .orPartly(atMost("needed", times(0.5, "ablated")))
    .requiring(atLeast("ablated", 3)),
  ours: "{needed} of {ablated} needed; a task loses at most {worst}",
  none: "up to {chance}",
  notes: { always: "peaks are those of the kept checkpoints" },
});

/** Claims about the closed form over training. */
export const COURSE_CLAIMS: readonly Claim[] = [circuitFirst, temporary, idle];
