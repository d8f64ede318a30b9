import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, atMost, holds, of, times } from "./rule.ts";

const heads = metric("attention", "heads", "number of attention heads", "count");
const oneNull = asNull(metric("attention", "heads_one_digit_null", "same of random heads with these norms", "number"));

const nanda = defineClaim({
  id: "attention-nanda",
  paper: `${SYRKIS}, Attention`,
  claim: "nanda's attention heads look at both digits, periodically.",
  printed: "both, periodic",
  analysis: "attention",
  subject: { roles: ["nanda"], solved: true },
  values: {
    heads,
    both: metric(
      "attention",
      "heads_both_digits",
      "attention heads that give neither digit three quarters of their attention to the two",
      "count",
    ),
    periodic: metric(
      "attention",
      "heads_periodic",
      "attention heads with a larger share at one frequency than 99 % of token permutations",
      "count",
    ),
    one_digit: oneNull,
    share: metric("attention", "share", "mean share at one frequency", "share"),
    limit: asNull(metric("attention", "share_null", "99 % limit of that share", "share")),
  },
  rule: holds(atLeast("both", times(0.75, "heads")), atLeast("periodic", times(0.75, "heads"))).orPartly(
    atLeast("periodic", times(0.75, "heads")),
  ),
  ours: "both in {both} of {heads}, periodic {periodic} ({share} at one frequency)",
  none: "{one_digit} of {heads} random heads read one digit; share below {limit}",
});

const miiii = defineClaim({
  id: "attention-miiii",
  paper: `${SYRKIS}, Attention`,
  claim: "Each of miiii's attention heads attends to one digit.",
  printed: "one digit each",
  analysis: "attention",
  subject: { roles: ["miiii"], solved: true },
  values: {
    heads,
    one_digit: metric(
      "attention",
      "heads_one_digit",
      "attention heads that give one digit three quarters of their attention to the two",
      "count",
    ),
    random: oneNull,
    x0: metric("attention", "mean_x0", "mean attention to x0", "share"),
    x1: metric("attention", "mean_x1", "mean attention to x1", "share"),
    equals: metric("attention", "mean_equals", "mean attention to '='", "share"),
  },
  rule: holds(atLeast("one_digit", of("heads")))
    .orPartly(atLeast("one_digit", times(0.5, "heads")), atLeast("one_digit", of("random", 1)))
    .requiring(atMost("random", of("heads", -1))),
  ours: "{one_digit} of {heads}; mean attention {x0}, {x1} and {equals} to '='",
  none: "{random} of {heads} random heads",
  twin: "{one_digit} of {heads}",
});

/** Claims about what attention heads look at. */
export const ATTENTION_CLAIMS: readonly Claim[] = [nanda, miiii];
