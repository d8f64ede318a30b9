import { formatNumber } from "../core/index.ts";
import { mean } from "../math/index.ts";
import { noResult } from "./absence.ts";
import { asNull, type Claim, defineClaim, derived, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { above, all, atLeast, each, of, times } from "./rule.ts";
import { resultOf } from "./run.ts";

/** Accuracy that a task must lose to an attention head's ablation to count as relying on it. */
const RELIES = 0.1;

const reused = defineClaim({
  id: "circuits-reused",
  paper: `${SYRKIS}, Discussion`,
  claim: "Circuits are reused across tasks.",
  printed: "stated, not measured",
  analysis: "circuits",
  subject: { roles: ["miiii"], solved: true },
  values: {
    own: metric("circuits", "own_accuracy_lost", "accuracy that a prime's own task loses without its neurons", "share"),
    others: metric("circuits", "other_accuracy_lost", "accuracy that the other tasks lose without them", "share"),
    random: asNull(metric("circuits", "null_accuracy_lost", "largest loss to random groups of neurons", "share")),
    others_random: asNull(
      metric("circuits", "null_other_accuracy_lost", "loss of the other tasks to random groups of neurons", "share"),
    ),
    embedding: metric(
      "circuits",
      "embedding_own_accuracy_lost",
      "accuracy that a prime's own task loses without its part of W_E",
      "share",
    ),
    embedding_others: metric(
      "circuits",
      "embedding_other_accuracy_lost",
      "accuracy that the other tasks lose without that part",
      "share",
    ),
    shared: derived("mean share of the tasks that lose a tenth of their accuracy without one attention head", "share", (run) => {
      const lost = resultOf(run, "circuits")?.attention.accuracy_lost;
      if (lost === undefined || lost.length === 0) return noResult(run, "circuits");
      const shares = lost.map((tasks) => tasks.filter((loss) => loss >= RELIES).length / Math.max(1, tasks.length));
      return mean(shares);
    }),
  },
  rule: each(
    all(atLeast("others", times(0.1, "own")), above("others", of("others_random"))),
    atLeast("embedding_others", times(0.1, "embedding")),
    atLeast("shared", 0.5),
  ).requiring(above("own", of("random"))),
  texts: {
    mirrors: (run) => {
      const sharing = resultOf(run, "neurons")?.sharing;
      return sharing === undefined
        ? ""
        : `${sharing.neurons} neurons serve two tasks, whose frequencies coincide in one digit in ${sharing.coincide} (relabelled classes ${formatNumber(sharing.expected)}, p = ${formatNumber(sharing.probability)}; random used pairs ${formatNumber(sharing.expected_used)}, p = ${formatNumber(sharing.probability_used)})`;
    },
  },
  notes: { always: "{mirrors}" },
  ours: "neurons: own task {own}, others {others}; W_E: own {embedding}, others {embedding_others}; one attention head serves {shared} of the tasks",
  none: "random groups of neurons: own at most {random}, others {others_random}",
});

/** Claims about which ablations break which tasks. */
export const CIRCUIT_CLAIMS: readonly Claim[] = [reused];
