import { test } from "node:test";
import { assertVerdicts } from "../helpers/judged.ts";

const exchanged = (even_iia: number, even_kept: number) => ({
  even_iia,
  even_kept,
  post_iia: 0.3,
  even_iia_random: 0.07,
  agree: 0.06,
  groups: 29,
  even_above_random: 29,
  sufficient_even: even_iia,
});

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["circuits-private", "miiii", "patch", exchanged(0.87, 0.99), "reproduced"],
    ["circuits-private", "miiii", "patch", exchanged(0.6, 0.99), "partly"],
    ["circuits-private", "miiii", "patch", exchanged(0.87, 0.5), "partly"],
    ["circuits-private", "miiii", "patch", exchanged(0.05, 0.99), "not reproduced"],
  ]);
});
