/**
 * `npm run goldens`: computes anew what the tests expect of the shipped runs. To renew a golden is a decision: the commit says
 * why it moved.
 */
import { writeFileSync } from "node:fs";
import { computeGolden, GOLDEN_RUNS, goldenPath } from "../test/helpers/golden.ts";

const chosen = process.argv.slice(2);
for (const run of chosen.length > 0 ? chosen : GOLDEN_RUNS) {
  writeFileSync(goldenPath(run), `${JSON.stringify(await computeGolden(run), null, 2)}\n`);
  console.log(goldenPath(run));
}
