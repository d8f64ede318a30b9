/**
 * `npm run fuzz`: mutants of every format that is read, in this process, and what became of them (stdout). Exit code 1 where one
 * was neither read nor refused with a clear error. See docs/attacks.md.
 *
 * Options: `--count N` (default 20,000), `--seed N`.
 */
import { parseArgs } from "node:util";
import { fuzz } from "../test/helpers/fuzz.ts";

const { values } = parseArgs({
  options: { count: { type: "string", default: "20000" }, seed: { type: "string", default: "0" } },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
const start = performance.now();
const { counts, failures, slowest_ms } = fuzz(count, seed, () => performance.now());
const row = (cells: readonly (string | number)[]) =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(22) : String(cell).padStart(10))).join("");
console.log(row(["format", "read", "refused", "failed"]));
for (const [kind, { ok, refused, failed }] of Object.entries(counts)) console.log(row([kind, ok, refused, failed]));
for (const failure of failures.slice(0, 20)) console.log(failure);
console.log(
  `${count} mutants, ${failures.length} failed; the slowest took ${slowest_ms.toFixed(0)} ms, all ${((performance.now() - start) / 1000).toFixed(0)} s`,
);
if (failures.length > 0) process.exitCode = 1;
