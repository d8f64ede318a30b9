import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { atMost, holds, times } from "./rule.ts";

/** Claims about gradient norms through training. */
export const NORMS_CLAIMS: readonly Claim[] = (["nanda", "miiii"] as const).map((role) =>
  defineClaim({
    id: `attention-early-${role}`,
    paper: `${SYRKIS}, gradient norms`,
    claim: `Attention converges early in ${role}.`,
    printed: "“converges early”",
    analysis: "norms",
    subject: { roles: [role], solved: true },
    values: {
      attention: metric(
        "norms",
        "attention_late_half_epoch",
        "epoch by which the attention matrices' gradient norm has accumulated half of its total over log(1 + epoch), counted from epoch 100 on (geometric mean)",
        "epochs",
      ),
      others: metric("norms", "other_late_half_epoch", "epoch of the other matrices", "epochs"),
      whole: asNull(metric("norms", "late_half_epoch_null", "epoch of the whole gradient", "epochs")),
    },
    rule: holds(atMost("attention", times(0.5, "others"))).orPartly(atMost("attention", times(0.8, "others"))),
    ours: "half by epoch {attention}, the others by {others}",
    none: "{whole} for the whole gradient",
    notes: { always: "of gradients alone: when attention does what it does in the end is another question" },
  }),
);
