import type { AlgorithmResult } from "../analyses/algorithm/compute.ts";
import type { CurvesResult } from "../analyses/curves/compute.ts";
import type { EmergenceResult } from "../analyses/emergence/compute.ts";
import type { FourierResult } from "../analyses/fourier/compute.ts";
import type { NeuronsResult } from "../analyses/neurons/compute.ts";
import type { OmegaResult } from "../analyses/omega/compute.ts";
import { hasShuffledLabels } from "../tasks/index.ts";
import type { ReportRun } from "./types.ts";

/** Results that the first screen speaks of, by the analysis that gives them. */
interface Known {
  readonly algorithm: AlgorithmResult;
  readonly curves: CurvesResult;
  readonly emergence: EmergenceResult;
  readonly fourier: FourierResult;
  readonly neurons: NeuronsResult;
  readonly omega: OmegaResult;
}

/** What an analysis that the first screen knows gives. */
export type Result<K extends keyof Known> = Known[K];

/** A run's result of an analysis that the first screen knows. */
export function resultIn<K extends keyof Known>(run: ReportRun | undefined, id: K): Known[K] | undefined {
  return run?.results[id]?.result as Known[K] | undefined;
}

/** Whether a run was trained on shuffled labels. */
export const isShuffled = ({ config }: Pick<ReportRun, "config">) => hasShuffledLabels(config);
/** What the first figure calls a run. */
export const saidOf = (run: Pick<ReportRun, "config">) => (isShuffled(run) ? "labels shuffled" : "trained");
/** Whether a model's weights were written by hand. */
export const isWritten = ({ provenance }: Pick<ReportRun, "provenance">) => provenance.weights !== undefined;
const isJoint = ({ config }: ReportRun) => config.task === "joint";
const hasManyTasks = ({ config }: ReportRun) => config.task !== "nanda";

/** Who plays which part on the first screen. */
export interface Cast {
  /** The run that the page is about. */
  readonly main: ReportRun;
  /** The run of the same task with shuffled labels. */
  readonly twin: ReportRun | undefined;
  /** An addition model beside it, or the run of many tasks beside an addition model. */
  readonly other: ReportRun | undefined;
  readonly otherTwin: ReportRun | undefined;
  /** A run to compare the main one with: the shipped one that is nearest to it. */
  readonly beside?: ReportRun | undefined;
}

function twinOf(run: ReportRun | undefined, runs: readonly ReportRun[]): ReportRun | undefined {
  if (run === undefined || isShuffled(run)) return undefined;
  const alike = runs.filter(
    (other) => isShuffled(other) && hasManyTasks(other) === hasManyTasks(run) && isJoint(other) === isJoint(run),
  );
  return alike.find(({ config }) => config.p === run.config.p) ?? alike[0];
}

/**
 * Of the runs of a page, which the first screen is about: the first given where the reader chose them, else the one of most
 * tasks.
 */
export function castOf(runs: readonly ReportRun[], chosen: boolean, beside?: ReportRun): Cast | undefined {
  const trained = runs.filter((run) => !isShuffled(run));
  const main = chosen ? runs[0] : (trained.find(hasManyTasks) ?? trained[0] ?? runs[0]);
  if (main === undefined) return undefined;
  const other = trained.find((run) => run !== main && hasManyTasks(run) !== hasManyTasks(main));
  return { main, twin: twinOf(main, runs), other, otherTwin: twinOf(other, runs), beside };
}
