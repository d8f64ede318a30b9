import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { above, atLeast, holds, of, times } from "./rule.ts";

const reused = defineClaim({
  id: "circuits-reused",
  paper: `${SYRKIS}, Discussion`,
  claim: "Circuits are reused across tasks.",
  printed: "stated, not measured",
  analysis: "circuits",
  subject: { roles: ["miiii"], solved: true },
  values: {
    own: metric("circuits", "own_accuracy_lost", "accuracy that a prime's own task loses without its neurons", "share"),
    others: metric("circuits", "other_accuracy_lost", "accuracy that the other tasks lose", "share"),
    random: asNull(metric("circuits", "null_accuracy_lost", "largest loss to random groups", "share")),
    others_random: asNull(metric("circuits", "null_other_accuracy_lost", "loss of the other tasks to random groups", "share")),
  },
  rule: holds(atLeast("others", times(0.5, "own")), above("others", of("others_random")))
    .orPartly(atLeast("others", times(0.1, "own")), above("others", of("others_random")))
    .requiring(above("own", of("random"))),
  ours: "own task {own}, others {others}",
  none: "random groups: own at most {random}, others {others_random}",
});

/** Claims about which ablations break which tasks. */
export const CIRCUIT_CLAIMS: readonly Claim[] = [reused];
