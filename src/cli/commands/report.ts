import { pathToFileURL } from "node:url";
import type { Argv } from "yargs";
import { circuits } from "../../analyses/circuits/index.ts";
import { completeOptions } from "../../analyses/kit/define.ts";
import { ANALYSES } from "../../analyses/registry.ts";
import { ensureGroups, loadModel, type Model } from "../../api/models.ts";
import { nearestShipped } from "../../api/nearest-shipped.ts";
import { shownPath, writeText } from "../../api/output.ts";
import { sourceCommit } from "../../api/provenance.ts";
import { leadingReferences, parseReferences, type Reference, shippedReferences } from "../../api/references.ts";
import { openRuntime } from "../../api/runtime-choice.ts";
import { keptResults } from "../../api/shipped-results.ts";
import { readSplit } from "../../api/split-file.ts";
import { VERSION } from "../../api/version.ts";
import { countVerdicts } from "../../claims/index.ts";
import { ensure } from "../../core/index.ts";
import { buildReport, drawAhead, loadBundles, PENDING, type ReportInput, type ReportRun } from "../../report/index.ts";
import { analysisWork, stoppedText } from "../analysis-work.ts";
import { NO_CACHE } from "../cache-option.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { numberOption, seedOf } from "../config-options.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";
import { exitStopped, onStopSignal } from "../progress.ts";
import { rememberedDraw } from "../report-drawings.ts";
import { ensurePage, pagePath, reportIdentity } from "../report-page.ts";
import { type GatherOptions, gatherResults } from "../report-results.ts";
import { SPLIT_OPTION } from "../split-option.ts";

/** The options of the analyses that a report has unless told otherwise: those of shipped results. */
export const REPORT_OPTIONS = { samples: 512 } as const;

/** Declares the options of `report`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(parser)
    .positional("checkpoints", {
      type: "string",
      array: true,
      default: [] as string[],
      description: "what to report on; without any, four shipped runs: one of each task, and their twins on shuffled labels",
    })
    .option("alone", {
      type: "boolean",
      default: false,
      description: "without the nearest shipped run, which stands beside runs of one's own to compare with",
    })
    .option("all", {
      type: "boolean",
      default: false,
      description: "all shipped runs at hand in the page, the four shown at first",
    })
    .option("out", { type: "string", requiresArg: true, description: "the page to write [default: reports/index.html]" })
    .option("open", { type: "boolean", default: false, description: "open the page in the browser when it is finished" })
    .option("title", { type: "string", requiresArg: true, description: "the page's title" })
    .option("split", SPLIT_OPTION)
    .option("no-cache", NO_CACHE)
    .option("seed", { ...numberOption("seed", "seed of the nulls", "integer"), default: 0 })
    .option("samples", {
      ...numberOption("samples", "inputs on which circuits are evaluated (analyze circuits takes 2,048)", "integer"),
      default: REPORT_OPTIONS.samples,
    });
}

function commandLine(references: readonly Reference[], given: readonly string[]): string {
  return ["miiii report", ...(given.length > 0 ? given : references.map(({ label }) => label))].join(" ");
}

const countResults = (runs: readonly ReportRun[]) => runs.reduce((sum, { results }) => sum + Object.keys(results).length, 0);

/** Results that will not come. */
const countMissing = (runs: readonly ReportRun[]) =>
  runs.reduce((sum, { missing }) => sum + Object.values(missing).filter((reason) => reason !== PENDING).length, 0);

/** Reads the models that the references name. */
async function modelsOf(references: readonly Reference[], argv: ArgumentsOf<typeof options>): Promise<Model[]> {
  const split = argv.split === undefined ? undefined : readSplit(argv.split);
  const models: Model[] = [];
  for (const reference of references) {
    models.push(await loadModel(reference, { split, foreign: foreignOptions(argv), onNote: note }));
    ensureGroups(models);
  }
  return models;
}

/** Opens the page in the user's browser; without one the page lies there all the same. */
async function openPage(path: string): Promise<void> {
  const { openBrowser, withoutDisplay } = await import("../../serve/open-browser.ts");
  const told = (reason: string) => note(`no browser was opened (${reason}); open ${shownPath(path)}`);
  const blind = withoutDisplay(process.platform, process.env);
  if (blind === undefined) openBrowser(pathToFileURL(path).href, told);
  else told(blind);
}

/** Analyses the checkpoints, writes the page and prints its path. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { samples = REPORT_OPTIONS.samples } = argv;
  completeOptions(circuits, { samples });
  const seed = seedOf(argv.seed);
  if (argv.out !== undefined) ensurePage(argv.out);
  const references =
    argv.checkpoints.length > 0 ? parseReferences(argv.checkpoints) : argv.all ? shippedReferences() : leadingReferences();
  const shipped = new Set(shippedReferences().map(({ path: own }) => own));
  const isOwn = argv.checkpoints.length > 0 && references.every(({ path: own }) => !shipped.has(own));
  ensure(references.length > 0, "usage", () => "report: a checkpoint must be given, since no run is shipped with this copy");
  const identity = reportIdentity(references);
  const path = pagePath(argv.out, references, identity, note);
  const { runtime } = await openRuntime("onnx");
  const models = await modelsOf(references, argv);
  const [main] = models;
  const beside = isOwn && !argv.alone && main !== undefined ? nearestShipped(main) : undefined;
  const labels = beside === undefined || models.some(({ label }) => label === beside.label) ? [] : [beside.label];
  if (beside !== undefined && labels.length > 0)
    models.push(await loadModel({ label: beside.label, kind: beside.kind, path: beside.path }));
  const cache = argv.noCache ? undefined : keptResults();
  const draw = rememberedDraw(cache);
  const commit = sourceCommit();
  const bundles = await loadBundles();
  const input = (runs: readonly ReportRun[]): ReportInput => ({
    ...(argv.title === undefined ? {} : { title: argv.title }),
    runs,
    analyses: ANALYSES,
    bundles,
    chosen: argv.checkpoints.length > 0,
    beside: labels,
    ...(argv.checkpoints.length > 0 ? {} : { selected: leadingReferences().map(({ label }) => label) }),
    generator: {
      version: VERSION,
      command: commandLine(references, argv.checkpoints),
      ...(commit === undefined ? {} : { commit }),
    },
    stamp: new Date().toISOString(),
    identity,
    draw,
  });
  const work = analysisWork(models, ANALYSES);
  let begun = false;
  const free = onStopSignal(() => {
    work.progress.stop();
    note(stoppedText(work.progress, !argv.noCache));
    if (begun) note(`${shownPath(path)} is a page of what was there at first`);
    void exitStopped();
  });
  const onRuns: GatherOptions["onRuns"] = async (runs, stage) => {
    if (stage === "more") return drawAhead(input(runs), draw);
    const [results, of] = [countResults(runs), runs.length * ANALYSES.length];
    if (results + countMissing(runs) === of) return;
    writeText(path, (await buildReport({ ...input(runs), unfinished: { results, of } })).html);
    begun = true;
  };
  let runs: ReportRun[];
  try {
    runs = await gatherResults(ANALYSES, models, { runtime, seed, options: { samples }, cache, onNote: note, work, onRuns });
  } finally {
    work.progress.stop();
    free();
  }
  const { html, claims } = await buildReport(input(runs));
  writeText(path, html);
  note(`claims: ${countVerdicts(claims)}`);
  print(shownPath(path));
  if (argv.open) await openPage(path);
}
