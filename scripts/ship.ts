/**
 * `npm run ship -- RUN NAME EPOCHS…`: copies a finished run into `fixtures/NAME`: the last checkpoint as it is, those of the
 * named epochs in half precision, the metrics and statistics, and how it was trained. The state for resuming stays behind.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import {
  listCheckpoints,
  openRunDirectory,
  readCheckpoint,
  readLastCheckpoint,
  writeCheckpoint,
} from "../src/checkpoint/index.ts";
import { ensure } from "../src/core/index.ts";

const [source, name, ...epochs] = process.argv.slice(2);
ensure(source && name, "usage", () => "ship: needs the run's folder and the name to ship it under");
const run = openRunDirectory(source);
const target = new URL(`../fixtures/${name}/`, import.meta.url).pathname;
ensure(!existsSync(target), "usage", () => `ship: ${target} must not exist yet`);
mkdirSync(target, { recursive: true });
for (const file of ["config.json", "metrics.jsonl", "omega.jsonl", "history.jsonl"]) {
  if (existsSync(join(source, file))) copyFileSync(join(source, file), join(target, file));
}
const { checkpoint } = readLastCheckpoint(run);
copyFileSync(checkpoint.path, join(target, basename(checkpoint.path)));
const kept = listCheckpoints(run);
for (const epoch of epochs.map(Number)) {
  const found = kept.find((each) => each.epoch === epoch);
  ensure(
    found,
    "usage",
    () => `ship: ${source} must have a checkpoint of epoch ${epoch}, has ${kept.map((each) => each.epoch).join(", ")}`,
  );
  writeCheckpoint({ path: target, header: run.header }, epoch, readCheckpoint(found.path).parameters, { half: true });
}
