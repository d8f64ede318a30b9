import { asNull, type Claim, defineClaim, type Measure, metric, overOthers } from "./claim.ts";
import { SYRKIS } from "./papers.ts";
import { above, atLeast, between, each, holds, of } from "./rule.ts";

const index50 = metric("svd", "paper_index50", "last index whose cumulative share of Σσ is below 50 %", "count");
const index90 = metric("svd", "paper_index90", "last index whose cumulative share of Σσ is below 90 %", "count");
const gaussian50 = asNull(metric("svd", "paper_index50_null", "Gaussian 50 % index", "count"));
const gaussian90 = asNull(metric("svd", "paper_index90_null", "Gaussian 90 % index", "count"));

/** How far off the printed indices still counts. */
const OFF50 = 5;
const OFF90 = 10;

const spectrum = (role: "nanda" | "miiii", printed50: number, printed90: number) =>
  defineClaim({
    id: `svd-${role}`,
    paper: `${SYRKIS}, Fig. 8`,
    claim: `Half of the token embedding of ${role} is in its first ${printed50} singular values, 90 % in its first ${printed90} (cumulative Σσ).`,
    printed: `${printed50} / ${printed90}`,
    analysis: "svd",
    subject: { roles: [role], solved: true, paperP: true, paperSettings: true },
    values: {
      index50,
      index90,
      gaussian50,
      gaussian90,
      variance50: metric("svd", "sound_index50", "50 % index of Σσ²", "count"),
      variance90: metric("svd", "sound_index90", "90 % index of Σσ²", "count"),
    },
    rule: each(
      between("index50", printed50 - OFF50, printed50 + OFF50),
      between("index90", printed90 - OFF90, printed90 + OFF90),
    ),
    ours: "{index50} / {index90} (Σσ²: {variance50} / {variance90})",
    none: "{gaussian50} / {gaussian90} (Gaussian)",
    notes: { always: "the paper calls Σσ variance; Σσ² is the variance" },
  });

/** An index over that of a Gaussian matrix of the same shape. */
function relative(index: Measure, gaussian: Measure, words: string): Measure {
  return {
    ...index,
    words,
    unit: "r",
    read: (run, context) => {
      const [value, none] = [index.read(run, context), gaussian.read(run, context)];
      if (typeof value !== "number") return value;
      return typeof none === "number" ? value / none : none;
    },
  };
}

const own50 = relative(index50, gaussian50, "50 % index over that of a Gaussian matrix of its shape");
const own90 = relative(index90, gaussian90, "90 % index over that of a Gaussian matrix of its shape");

const diffuse = defineClaim({
  id: "svd-diffuse",
  paper: `${SYRKIS}, Fig. 8`,
  claim: "The singular values of miiii's token embedding are more diffuse than those of nanda's.",
  printed: "35 / 73 against 5 / 49",
  analysis: "svd",
  subject: { roles: ["miiii"], solved: true, manyFrequencies: true, beside: { role: "nanda", same: "p", solved: true } },
  values: {
    own50,
    own90,
    nanda50: overOthers(own50, "same of nanda"),
    nanda90: overOthers(own90, "same of nanda"),
  },
  rule: each(above("own50", of("nanda50")), above("own90", of("nanda90"))),
  ours: "{own50} / {own90} of Gaussian, against {nanda50} / {nanda90}",
  none: "1 / 1 of Gaussian",
});

const vectors = (["nanda", "miiii"] as const).map((role) =>
  defineClaim({
    id: `vectors-${role}`,
    paper: `${SYRKIS}, Fig. ${role === "nanda" ? 9 : 10}`,
    claim: `The most significant left singular vectors of ${role}'s token embedding look periodic.`,
    printed: "“looks periodic”",
    analysis: "svd",
    subject: { roles: [role], solved: true },
    values: {
      periodic: metric(
        "svd",
        "periodic_vectors",
        "vectors among the leading 12 whose largest share at one frequency exceeds the 99 % quantile of random directions",
        "count",
      ),
    },
    rule: holds(atLeast("periodic", 6)).orPartly(atLeast("periodic", 2)),
    ours: "{periodic} of 12",
    none: "0.12 of 12",
  }),
);

/** Claims about the singular values and vectors of the token embedding. */
export const SVD_CLAIMS: readonly Claim[] = [spectrum("nanda", 5, 49), spectrum("miiii", 35, 73), diffuse, ...vectors];
