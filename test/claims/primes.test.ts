import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, PRIMES, runOf } from "../helpers/judged.ts";

test("every prime is covered by selective neurons, and by frequencies of its own", () => {
  const primes = (covered: number, served: number) =>
    runOf(
      "miiii",
      { primes: { primes_covered: covered, mean_best: 0.3, mean_best_null: 0, selective_one: 800, selective_several: 9 } },
      {
        primes: { primes: PRIMES },
        neurons: {
          clusters: PRIMES.slice(0, served).flatMap((m) => [
            { m, k: 1 },
            { m, k: 2 },
          ]),
        },
      },
    );
  assert.equal(judge("primes-miiii", [primes(29, 29)]).verdict, "reproduced");
  assert.equal(judge("primes-miiii", [primes(29, 20)]).verdict, "partly");
  assert.equal(judge("primes-miiii", [primes(29, 3)]).verdict, "not reproduced");
  assert.equal(judge("primes-miiii", [primes(3, 29)]).verdict, "not reproduced");
});
