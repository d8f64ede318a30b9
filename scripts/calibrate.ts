/**
 * `npm run calibrate`: how often the nulls of all analyses raise a false alarm in models that were never trained. What was done
 * is kept in a file, a line a model, and a further call goes on from there.
 *
 *   npm run calibrate -- --p 29 --models 400 --file calibration.jsonl   # analyzes until there are so many of that size
 *   npm run calibrate -- --p 113 --from 400 --models 800 --only fourier,attention   # these analyses on further models
 *   npm run calibrate -- --p 29 --task nanda --from 400 --models 800 --only clock   # on further models of one task
 *   npm run calibrate -- --file calibration.jsonl --models 0 --write    # adds them to docs/calibration.json and .md
 *
 * Rows of other checks and sizes stay as they are there; a model that is in them already does not count twice.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { countsOf, type Setting } from "./calibration/models.ts";
import { calibrationPage } from "./calibration/page.ts";
import { merged, type Row, type Store, storeText } from "./calibration/store.ts";
import { tables } from "./calibration/table.ts";

const { values } = parseArgs({
  options: {
    p: { type: "string", multiple: true, default: ["29", "113"] },
    models: { type: "string", default: "400" },
    from: { type: "string", default: "0" },
    only: { type: "string" },
    task: { type: "string", multiple: true, default: ["miiii", "nanda"] },
    file: { type: "string", default: "calibration.jsonl" },
    write: { type: "boolean", default: false },
  },
});

const rows: Row[] = existsSync(values.file)
  ? readFileSync(values.file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Row)
  : [];
const keyOf = ({ p, seed }: Setting) => `${p} ${seed}`;
const done = new Set(rows.map(keyOf));
const runtime = onnxRuntime({ threads: 1 });
const KINDS = values.task.flatMap((task) => ["he", "nanda"].map((init) => ({ task, init }))) as Pick<Setting, "task" | "init">[];

for (const p of values.p.map(Number)) {
  for (let seed = Number(values.from); seed < Number(values.models); seed++) {
    const kind = KINDS[seed % KINDS.length];
    // A seed of its own for each model: streams of equal seed and name draw the same weights up to scale.
    const setting = kind && { ...kind, p, seed };
    if (setting === undefined || done.has(keyOf(setting))) continue;
    const row: Row = { ...setting, counts: await countsOf(setting, runtime, values.only?.split(",")) };
    rows.push(row);
    appendFileSync(values.file, `${JSON.stringify(row)}\n`);
    if (rows.length % 20 === 0) console.error(`p = ${p}: ${seed + 1} of ${values.models}`);
  }
}

console.log(tables(merged({}, rows)));

if (values.write) {
  const path = (ending: string) => fileURLToPath(new URL(`../docs/calibration.${ending}`, import.meta.url));
  const [json, page] = [path("json"), path("md")];
  const store = merged(JSON.parse(readFileSync(json, "utf8")) as Store, rows);
  writeFileSync(json, storeText(store));
  writeFileSync(page, calibrationPage(store));
  console.error(`wrote ${json} and ${page}`);
}
