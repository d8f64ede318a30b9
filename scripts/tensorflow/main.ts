/**
 * `npm run check:tensorflow`: the `tensorflow` runtime on the real native addon of tfjs-node. Builds the addon where it is
 * missing, installs the packed project beside it as a user would, runs test/tensorflow-addon.test.ts on both, and prints how long
 * a step takes. Exit code 1 where anything fails. See docs/runtimes.md.
 *
 * Options: `--folder`: where all of it lives, outside the project (default: ~/.cache/miiii/tensorflow; 1.5 GB; used again by the
 * next run); `--no-bench`.
 */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/core/index.ts";
import { onnxRuntime, tensorflowRuntime } from "../../src/runtimes/index.ts";
import { benchConfigs, benchStep } from "../lib/steps.ts";
import { inTurn } from "../lib/timing.ts";
import { must, prepareAddon } from "./addon.ts";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const say = (line: string) => process.stderr.write(`${line}\n`);

/** Builds the project apart from its own `dist`, without the shipped runs, and installs the package into `folder`. */
function installProject(folder: string): void {
  say("building, packing and installing this project");
  const manifest = createRequire(import.meta.url)("../../package.json") as { name: string; version: string };
  const stage = join(folder, "stage");
  rmSync(stage, { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  must(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", join(stage, "dist")], ROOT);
  writeFileSync(join(stage, "package.json"), JSON.stringify({ ...manifest, scripts: {}, devDependencies: {} }));
  must("npm", ["pack", "--pack-destination", folder], stage);
  rmSync(stage, { recursive: true });
  const tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);
  // The same version with other contents: npm must not take what it knows.
  rmSync(join(folder, "package-lock.json"), { force: true });
  rmSync(join(folder, "node_modules", manifest.name), { recursive: true, force: true });
  must("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", tarball], folder);
  rmSync(tarball);
}

/** Median milliseconds of a training step on both runtimes, in turn. */
async function bench(folder: string): Promise<void> {
  const require = createRequire(join(folder, "package.json"));
  const tensorflow = await tensorflowRuntime(async (name) => ({
    imported: require(name) as object,
    version: (require(`${name}/package.json`) as { version: string }).version,
  }));
  const onnx = onnxRuntime({ threads: availableParallelism() });
  console.log(
    `${arch()}, ${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? "an unknown processor"}, Node ${process.version}`,
  );
  const { nanda } = benchConfigs(false);
  if (nanda === undefined) throw new Error("bench: no configuration nanda");
  const steps = [await benchStep(onnx, nanda), await benchStep(tensorflow, nanda)];
  const [a = Number.NaN, b = Number.NaN] = await inTurn(
    steps.map((step) => () => step.run(1)),
    5,
  );
  for (const step of steps) await step.dispose();
  const sizes = `nanda, p ${nanda.p}, d ${nanda.d_model}, B = ${steps[0]?.samples.length}`;
  console.log(`${sizes}: onnx ${a.toFixed(0)} ms, tensorflow ${b.toFixed(0)} ms a step; ratio ${(b / a).toFixed(1)}`);
  console.log("medians of 5 steps in turn; whatever else runs on this machine is in them");
}

const { values } = parseArgs({ options: { folder: { type: "string" }, "no-bench": { type: "boolean", default: false } } });
const folder = resolve(values.folder ?? join(homedir(), ".cache", "miiii", "tensorflow"));
try {
  console.log(`tfjs-node ${prepareAddon(folder, say)}`);
  installProject(folder);
  const environment = { ...process.env, MIIII_TFJS_NODE: join(folder, "node_modules") };
  const words = ["--import", "tsx", "--test", "test/tensorflow-addon.test.ts"];
  const { status } = spawnSync(process.execPath, words, { cwd: ROOT, stdio: "inherit", env: environment });
  if (status !== 0) process.exitCode = 1;
  if (!values["no-bench"]) await bench(folder);
} catch (error) {
  say(messageOf(error));
  process.exitCode = 1;
}
