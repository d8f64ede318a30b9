/**
 * `npm run check:peers`: the same quantities by this project and by NumPy, SciPy, PyTorch, TransformerLens and ONNX Runtime for
 * Python, in one table (stdout). Exit code 1 where a difference exceeds its tolerance. See docs/peers.md.
 *
 * Options: `--only <check>` (again for more), `--no-install`: take the Python packages that are there.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { arch, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/core/index.ts";
import { algorithm } from "./algorithm.ts";
import type { Check } from "./check.ts";
import { type Package, type Peers, preparePeers } from "./environment.ts";
import { exports, onnx } from "./exports.ts";
import { external } from "./external.ts";
import { forward, lens } from "./forward.ts";
import { hostile, imports } from "./imports.ts";
import { type Models, prepareModels } from "./models.ts";
import { numerics } from "./numerics.ts";
import { type Checked, passes, table } from "./rows.ts";
import { training } from "./training.ts";

const CHECKS: readonly Check[] = [numerics, algorithm, forward, lens, imports, hostile, exports, onnx, training, external];
/** What any exchange with Python needs. */
const EXCHANGE: readonly Package[] = ["numpy", "safetensors"];

const say = (line: string) => process.stderr.write(`${line}\n`);

async function perform(check: Check, peers: Peers, models: Models, home: string): Promise<Checked> {
  const needs = check.needs.length === 0 ? [] : [...EXCHANGE, ...check.needs];
  const absent = needs.filter((name) => peers.versions[name] === undefined);
  const missing = check.missing?.() ?? (absent.length === 0 ? undefined : `${absent.join(", ")} (${peers.python})`);
  if (missing !== undefined) return { check: check.id, rows: [], skipped: missing };
  const folder = join(home, String(CHECKS.indexOf(check)));
  mkdirSync(folder);
  say(check.id);
  try {
    const rows = await check.run({
      models,
      folder,
      lenses: peers.lenses,
      ask: (script, question, name = "") =>
        peers.ask(script, join(folder, "exchange", name.replaceAll(/[^\w/]+/g, "-")), question),
    });
    return { check: check.id, rows };
  } catch (error) {
    return { check: check.id, rows: [], broken: messageOf(error) };
  }
}

const { values } = parseArgs({ options: { only: { type: "string", multiple: true }, "no-install": { type: "boolean" } } });
const unknown = values.only?.filter((id) => !CHECKS.some((check) => check.id === id)) ?? [];
if (unknown.length > 0) {
  say(`--only: must be one of ${CHECKS.map(({ id }) => `"${id}"`).join(", ")}, got ${unknown.join(", ")}`);
  process.exit(2);
}
const peers = preparePeers(values["no-install"] !== true, say);
const home = mkdtempSync(join(tmpdir(), "miiii-peers-"));
try {
  const models = await prepareModels();
  const checked: Checked[] = [];
  for (const check of CHECKS) {
    if (values.only === undefined || values.only.includes(check.id)) checked.push(await perform(check, peers, models, home));
  }
  const rows = checked.flatMap((result) => result.rows);
  const passed = rows.filter(passes).length;
  const failed = rows.length - passed + checked.filter(({ broken }) => broken !== undefined).length;
  const skipped = checked.filter((result) => result.skipped !== undefined);
  console.log(`${table(checked)}\n`);
  for (const { check, skipped: missing } of skipped) console.log(`skipped: ${check}, for want of ${missing}`);
  const versions = Object.entries(peers.versions).map(([name, version]) => `${name} ${version}`);
  console.log(
    `ours: Node ${process.versions.node}, ${models.runtime.version}, on ${arch()}, ${cpus()[0]?.model.trim() ?? "unknown"}`,
  );
  const lenses = peers.lenses.map((version) => `, and ${version}`).join("");
  console.log(`peers: ${peers.python}${versions.map((version) => `, ${version}`).join("")}${lenses}`);
  console.log(`${passed} passed, ${failed} failed`);
  // A comparison that compared nothing has shown nothing.
  if (failed > 0 || rows.length === 0) process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
