import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, atMost, below, holds, of, times } from "./rule.ts";

const ROLES = ["nanda", "miiii"] as const;

/** The paper's claim, of what it shows: gradients. */
const inGradients = ROLES.map((role) =>
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
    notes: { always: "of gradients alone: its function is the next claim" },
  }),
);

/** What the paper concludes from it: that attention's function is there early. */
const inFunction = ROLES.map((role) =>
  defineClaim({
    id: `attention-early-function-${role}`,
    paper: `${SYRKIS}, gradient norms`,
    claim: `Attention does early what it does in the end in ${role}: the last model is right with the attention of an earlier checkpoint than those that are right themselves.`,
    printed: "implied by “converges early”",
    analysis: "course",
    subject: { roles: [role], solved: true },
    values: {
      checkpoints: metric("course", "checkpoints", "number of checkpoints", "count"),
      own: metric("course", "attention_own", "accuracy of the last model", "share"),
      epoch: metric(
        "course",
        "attention_epoch",
        "first checkpoint from whose attention the last model keeps 0.9 of its accuracy",
        "epochs",
      ),
      model: metric("course", "model_epoch", "first checkpoint from which the model has 0.9 of its last accuracy", "epochs"),
      averaged: asNull(
        metric("course", "attention_averaged", "the last model with its attention averaged over the grid", "share"),
      ),
      even: asNull(metric("course", "attention_even", "the same with equal attention to every key", "share")),
    },
    // Where even attention keeps the accuracy there is nothing for attention to learn.
    rule: holds(below("epoch", of("model"))).requiring(atLeast("checkpoints", 4), below("even", times(0.9, "own"))),
    ours: "attention from epoch {epoch}, the model from {model}",
    none: "even attention {even}, averaged over the grid {averaged}, of {own}",
    notes: { always: "at the resolution of the kept checkpoints" },
  }),
);

/** Claims about gradient norms through training, and about attention through it. */
export const NORMS_CLAIMS: readonly Claim[] = [...inGradients, ...inFunction];
