/**
 * `npm run crash [-- KILLS]`: kills trainings at random moments and at every file operation, resumes them, compares byte for
 * byte.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomStream } from "../src/core/index.ts";
import { crash, type Kill, wholeRun } from "../test/helpers/crash.ts";

const kills = Number(process.argv[2] ?? 100);
const folder = mkdtempSync(join(tmpdir(), "miiii-crash-"));
const random = randomStream(0, "crash");
const counts = { killed: 0, finished: 0, faulty: 0 };

async function one(whole: ReadonlyMap<string, Buffer>, kill: Kill): Promise<boolean> {
  const { finished, faults } = await crash(whole, kill);
  counts[finished ? "finished" : "killed"] += 1;
  console.error(
    `${counts.killed} killed of ${kills}, ${counts.finished} finished before, ${counts.faulty + Math.min(faults.length, 1)} faulty`,
  );
  if (faults.length > 0) {
    counts.faulty += 1;
    console.log(`${JSON.stringify(kill)}: ${faults.join("; ")}`);
  }
  return finished;
}

try {
  const whole = wholeRun(folder);
  // Operations until one comes that the run does not reach, before and after each in turn; the rest of the kills at random
  // moments.
  let operation = 1;
  while (operation <= kills && !(await one(whole, { operation, after: operation % 2 === 0 }))) operation += 1;
  for (let i = operation; i < kills; i++) await one(whole, { ms: 200 + Math.floor(random.uniform() * 3000) });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `${counts.killed} killed, ${counts.finished} finished before the kill, ${counts.faulty} not byte for byte as the whole`,
);
if (counts.faulty > 0) process.exitCode = 1;
