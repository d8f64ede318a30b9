import { test } from "node:test";
import { assertVerdicts, type Metrics } from "../helpers/judged.ts";

const ladder = (change: Metrics) => ({
  model: 0.97,
  even: 0.97,
  linear: 0.08,
  skip_cosine: -0.99,
  circuit: 1,
  circuit_exact: 29,
  tasks: 29,
  circuit_permuted: 0.07,
  circuit_reassigned: 0.07,
  chance: 0.06,
  margin_rank_correlation: 0.8,
  margin_partial_correlation: 0.8,
  margin_modulus_correlation: 0.5,
  margin_probability: 0.001,
  ...change,
});

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["even-half", "miiii", "algorithm", ladder({ even: 0.975, skip_cosine: -0.99 }), "reproduced"],
    ["even-half", "miiii", "algorithm", ladder({ even: 0.975, skip_cosine: 0.1 }), "partly"],
    ["even-half", "miiii", "algorithm", ladder({ even: 0.1, skip_cosine: -0.99 }), "not reproduced"],
    ["closed-form", "miiii", "algorithm", ladder({ circuit: 1 }), "reproduced"],
    ["closed-form", "miiii", "algorithm", ladder({ circuit: 0.9 }), "partly"],
    ["closed-form", "miiii", "algorithm", ladder({ circuit: 1, circuit_permuted: 0.4 }), "partly"],
    ["closed-form", "miiii", "algorithm", ladder({ circuit: 1, circuit_reassigned: 0.9 }), "partly"],
    ["closed-form", "miiii", "algorithm", ladder({ circuit: 1, circuit_permuted: 0.9 }), "not reproduced"],
    ["closed-form", "miiii", "algorithm", ladder({ circuit: 0.5 }), "not reproduced"],
    ["margins", "miiii", "algorithm", ladder({ margin_rank_correlation: 0.84 }), "reproduced"],
    ["margins", "miiii", "algorithm", ladder({ margin_rank_correlation: 0.5 }), "partly"],
    ["margins", "miiii", "algorithm", ladder({ margin_rank_correlation: 0.1 }), "not reproduced"],
    ["margins", "miiii", "algorithm", ladder({ margin_probability: 0.04 }), "partly"],
    ["margins", "miiii", "algorithm", ladder({ margin_probability: 0.2 }), "not reproduced"],
  ]);
});
