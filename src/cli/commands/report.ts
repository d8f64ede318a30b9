import { dirname, join } from "node:path";
import type { Argv } from "yargs";
import { circuits } from "../../analyses/circuits/index.ts";
import { completeOptions } from "../../analyses/kit/define.ts";
import { ANALYSES } from "../../analyses/registry.ts";
import { analyzeModel } from "../../api/analyze.ts";
import { ensureGroups, type GroupMember, loadModel, type Model } from "../../api/models.ts";
import { ensureWritable, shownPath, writeText } from "../../api/output.ts";
import { provenanceOf, sourceCommit } from "../../api/provenance.ts";
import { leadingReferences, parseReferences, type Reference, shippedReferences } from "../../api/references.ts";
import { resultCache } from "../../api/result-cache.ts";
import { openRuntime } from "../../api/runtime-choice.ts";
import { readSplit } from "../../api/split-file.ts";
import { VERSION } from "../../api/version.ts";
import { makeFolder } from "../../checkpoint/index.ts";
import { countVerdicts } from "../../claims/index.ts";
import { ensure } from "../../core/index.ts";
import { buildReport, loadBundles, type ReportRun } from "../../report/index.ts";
import { NO_CACHE } from "../cache-option.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { numberOption, seedOf } from "../config-options.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";
import { createProgress } from "../progress.ts";
import { SPLIT_OPTION } from "../split-option.ts";

/** Declares the options of `report`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(parser)
    .positional("checkpoints", {
      type: "string",
      array: true,
      default: [] as string[],
      description: "what to report on; without any, four shipped runs: one of each task, and their twins on shuffled labels",
    })
    .option("all", {
      type: "boolean",
      default: false,
      description: "all shipped runs at hand in the page, the four shown at first",
    })
    .option("out", { type: "string", requiresArg: true, description: "the page to write [default: reports/index.html]" })
    .option("title", { type: "string", requiresArg: true, description: "the page's title" })
    .option("split", SPLIT_OPTION)
    .option("no-cache", NO_CACHE)
    .option("seed", { ...numberOption("seed", "seed of the nulls", "integer"), default: 0 })
    .option("samples", {
      ...numberOption("samples", "inputs on which circuits are evaluated (analyze circuits takes 2,048)", "integer"),
      default: 512,
    });
}

/** The page's file, found to be writable; the folder of the default is made. */
function pagePath(out: string | undefined): string {
  const path = out ?? join("reports", "index.html");
  ensure(/\.html?$/i.test(path), "usage", () => `report: the page must be named *.html, got ${path}`);
  if (out === undefined) makeFolder(dirname(path));
  ensureWritable(path);
  return path;
}

function commandLine(references: readonly Reference[], given: readonly string[]): string {
  return ["miiii report", ...(given.length > 0 ? given : references.map(({ label }) => label))].join(" ");
}

function reportRun(model: Model, found: Awaited<ReturnType<typeof analyzeModel>>, missing: Record<string, string>): ReportRun {
  const { label, group, checkpoint } = model;
  const results = [...found].map(([id, { result, metrics }]) => [id, { result, metrics }] as const);
  return {
    label,
    ...(group === undefined ? {} : { group }),
    path: checkpoint.path,
    sha256: checkpoint.sha256,
    config: checkpoint.config,
    provenance: provenanceOf(model),
    parameters: checkpoint.parameters,
    results: Object.fromEntries(results),
    missing,
  };
}

/** Analyses the checkpoints, writes the page and prints its path. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { samples = 512 } = argv;
  completeOptions(circuits, { samples });
  const seed = seedOf(argv.seed);
  const path = pagePath(argv.out);
  const references =
    argv.checkpoints.length > 0 ? parseReferences(argv.checkpoints) : argv.all ? shippedReferences() : leadingReferences();
  ensure(references.length > 0, "usage", () => "report: a checkpoint must be given, since no run is shipped with this copy");
  const split = argv.split === undefined ? undefined : readSplit(argv.split);
  const { runtime } = await openRuntime("onnx");
  const progress = createProgress("analysis", references.length * ANALYSES.length);
  const runs: ReportRun[] = [];
  const seen: GroupMember[] = [];
  try {
    for (const [i, reference] of references.entries()) {
      const model = await loadModel(reference, { split, foreign: foreignOptions(argv), onNote: note });
      const { group, checkpoint } = model;
      seen.push({ group, checkpoint: { config: checkpoint.config } });
      ensureGroups(seen);
      const missing: Record<string, string> = {};
      let begun = 0;
      const found = await analyzeModel(ANALYSES, model, {
        runtime,
        seed,
        options: { samples },
        // Threads would save a tenth of the time and take the page's memory beyond 1 GB.
        threads: 0,
        onNote: note,
        cache: argv.noCache ? undefined : resultCache(),
        onFailure: (id, reason) => {
          missing[id] = reason;
        },
        onStart: (id) => {
          progress.update(i * ANALYSES.length + begun, { now: `${id} of ${model.label}` });
          begun += 1;
        },
      });
      runs.push(reportRun(model, found, missing));
    }
    progress.update(references.length * ANALYSES.length, { now: "drawing" });
  } finally {
    progress.stop();
  }
  const commit = sourceCommit();
  const { html, claims } = await buildReport({
    ...(argv.title === undefined ? {} : { title: argv.title }),
    runs,
    analyses: ANALYSES,
    bundles: await loadBundles(),
    chosen: argv.checkpoints.length > 0,
    ...(argv.checkpoints.length > 0 ? {} : { selected: leadingReferences().map(({ label }) => label) }),
    generator: {
      version: VERSION,
      command: commandLine(references, argv.checkpoints),
      ...(commit === undefined ? {} : { commit }),
    },
    stamp: new Date().toISOString(),
  });
  writeText(path, html);
  note(`claims: ${countVerdicts(claims)}`);
  print(shownPath(path));
}
