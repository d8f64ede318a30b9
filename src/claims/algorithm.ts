import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { BEYOND, NOT_PRINTED } from "./papers.ts";
import { atLeast, atMost, holds, of, times } from "./rule.ts";

const model = metric("algorithm", "model", "accuracy of the model", "share");
const chance = asNull(metric("algorithm", "chance", "accuracy of a guess", "share"));

const evenHalf = defineClaim({
  id: "even-half",
  paper: BEYOND,
  claim:
    "miiii computes with |u|: relu(u) = u/2 + |u|/2, the skip path cancels the linear half, and the even half alone answers.",
  printed: NOT_PRINTED,
  analysis: "algorithm",
  subject: { roles: ["miiii"], solved: true },
  values: {
    even: metric("algorithm", "even", "accuracy of the even half alone", "share"),
    model,
    linear: metric("algorithm", "linear", "accuracy of the linear half with the skip path", "share"),
    cosine: metric("algorithm", "skip_cosine", "cosine of the skip path's logits and the linear half's", "r"),
    chance,
  },
  rule: holds(atLeast("even", times(0.95, "model")), atMost("cosine", -0.9)).orPartly(atLeast("even", times(0.5, "model"))),
  ours: "{even} by |u|/2 alone, {model} by the model; cosine {cosine}",
  none: "{linear} by the linear half; {chance} by chance",
  twin: "{even}, cosine {cosine}",
});

const closedForm = defineClaim({
  id: "closed-form",
  paper: BEYOND,
  claim:
    "The closed form is the algorithm: task q from its own neurons' formulas alone, read out at their own frequencies, is at least as accurate as the model.",
  printed: NOT_PRINTED,
  analysis: "algorithm",
  subject: { roles: ["miiii"], solved: true },
  values: {
    circuit: metric("algorithm", "circuit", "accuracy of the closed-form circuits", "share"),
    model,
    exact: metric("algorithm", "circuit_exact", "tasks that they answer without error", "count"),
    tasks: metric("algorithm", "tasks", "number of tasks", "count"),
    permuted: asNull(metric("algorithm", "circuit_permuted", "accuracy with read-outs permuted among a task's neurons", "share")),
    reassigned: asNull(metric("algorithm", "circuit_reassigned", "accuracy with the neurons of other tasks", "share")),
    chance,
  },
  rule: holds(atLeast("circuit", of("model")), atMost("permuted", 0.25), atMost("reassigned", 0.25)).orPartly(
    atLeast("circuit", times(0.9, "model")),
    atMost("permuted", times(0.5, "circuit")),
  ),
  ours: "{circuit}, without error on {exact} of {tasks} tasks; the model {model}",
  none: "{permuted} with permuted read-outs, {reassigned} with other tasks' neurons; {chance} by chance",
  twin: "{circuit}",
});

const margins = defineClaim({
  id: "margins",
  paper: BEYOND,
  claim: "Which tasks a model of n mod q has not yet solved follows from the margin of its closed form over its residual.",
  printed: NOT_PRINTED,
  analysis: "algorithm",
  subject: { roles: ["miiii"], solved: true },
  values: {
    correlation: metric(
      "algorithm",
      "margin_rank_correlation",
      "rank correlation of margin over residual with accuracy, q > 7",
      "r",
    ),
    partial: metric("algorithm", "margin_partial_correlation", "rank correlation beyond the tasks' sizes", "r"),
    modulus: asNull(metric("algorithm", "margin_modulus_correlation", "rank correlation of −q alone with accuracy", "r")),
    probability: asNull(
      metric("algorithm", "margin_probability", "probability of as much beyond the tasks' sizes by chance", "number"),
    ),
  },
  rule: holds(atLeast("correlation", 0.7), atMost("probability", 0.01)).orPartly(
    atLeast("correlation", 0.4),
    atMost("probability", 0.05),
  ),
  ours: "ρ = {correlation}, {partial} beyond the tasks' sizes (p = {probability})",
  none: "{modulus} by the tasks' sizes alone",
  twin: "{correlation}, {partial} beyond the tasks' sizes",
});

/** Claims of this toolkit about the algorithm of n mod q. */
export const ALGORITHM_CLAIMS: readonly Claim[] = [evenHalf, closedForm, margins];
