import { asNull, type Claim, defineClaim, metric } from "./claim.ts";
import { BEYOND, NOT_PRINTED } from "./papers.ts";
import { above, atLeast, holds, of, times } from "./rule.ts";

const carried = defineClaim({
  id: "circuits-private",
  paper: BEYOND,
  claim:
    "One group of neurons a prime carries that task's answer, and no other task's: exchanged between inputs it takes its own answer along.",
  printed: NOT_PRINTED,
  analysis: "patch",
  subject: { roles: ["miiii"], solved: true },
  values: {
    iia: metric("patch", "even_iia", "share of pairs in which the own task answers as the source does, |u|/2 exchanged", "share"),
    post: metric("patch", "post_iia", "same with hook_post exchanged", "share"),
    random: asNull(metric("patch", "even_iia_random", "same of random groups", "share")),
    kept: metric("patch", "even_kept", "share of pairs in which the other tasks keep the base's answer", "share"),
    agree: asNull(metric("patch", "agree", "share without a patch", "share")),
    groups: metric("patch", "groups", "groups with neurons", "count"),
    beyond: metric("patch", "even_above_random", "groups above every random group of their size", "count"),
    sufficient: metric(
      "patch",
      "sufficient_even",
      "share in which the group alone keeps its answer, all else from another input",
      "share",
    ),
  },
  rule: holds(atLeast("iia", 0.8), atLeast("kept", 0.9), atLeast("beyond", times(0.9, "groups"))).orPartly(
    atLeast("iia", 0.5),
    above("iia", of("random")),
  ),
  ours: "source's answer in {iia} (hook_post {post}), others keep theirs in {kept}; alone sufficient in {sufficient}; {beyond} of {groups} groups above random ones",
  none: "random groups {random}; without a patch {agree}",
  twin: "{iia}",
});

/** Claims of this toolkit about which neurons carry which answer. */
export const PATCH_CLAIMS: readonly Claim[] = [carried];
