import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { atLeast, holds, of, times } from "./rule.ts";

const heads = metric("attention", "heads", "number of attention heads", "count");
const oneNull = asNull(
  metric("attention", "heads_one_digit_null", "random heads with these norms that read one digit on average", "number"),
);

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
    everywhere: metric(
      "attention",
      "heads_one_digit_everywhere",
      "attention heads that give one digit at least 0.9 of their attention on every input",
      "count",
    ),
    smallest: metric("attention", "smallest_to_digit", "smallest attention to the digit over all heads and inputs", "share"),
    by_mean: metric("attention", "heads_one_digit", "attention heads that do so on average by three quarters", "count"),
    random: oneNull,
  },
  rule: holds(atLeast("everywhere", of("heads"))).orPartly(atLeast("everywhere", times(0.5, "heads"))),
  ours: "{everywhere} of {heads} on every input, with at least {smallest}; {by_mean} on average",
  none: "on average {random} of {heads} random heads",
  twin: "{everywhere} of {heads} on every input, {by_mean} on average",
});

/** Claims about what attention heads look at. */
export const ATTENTION_CLAIMS: readonly Claim[] = [nanda, miiii];
