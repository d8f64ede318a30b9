import { mean } from "../math/index.ts";
import { type Absence, noResult } from "./absence.ts";
import { type Role, roleOf } from "./roles.ts";
import { type AnalyzedRun, metricOf, resultOf } from "./run.ts";
import { PAPER_P, sameSettings, settingsApart } from "./settings.ts";
import { isHarder, lateTasks } from "./tasks.ts";

/** The other runs that a claim compares each of its runs with. */
export interface Beside {
  readonly role: Role;
  /** `p`: of the same modulus. `settings`: the same but for seed, length and what the ablation changes. */
  readonly same: "p" | "settings";
  /** Only those that have generalised. */
  readonly solved?: true;
}

/** Which runs a claim is tested on. */
export interface Subject {
  readonly roles: readonly Role[];
  /** Only runs that have generalised: claims about what a trained model has become. */
  readonly solved?: true;
  /** Only runs that have memorised 90 % of their (shuffled) labels: others had no time to form anything. */
  readonly memorised?: true;
  /** Not runs that were stopped before their planned epochs without having generalised. */
  readonly finished?: true;
  /** Only where p has many frequencies, so that "few" means something. */
  readonly manyFrequencies?: true;
  /** Only at the papers' p: the printed numbers hold for no other. */
  readonly paperP?: true;
  /** Only on the paper's own schedule: the printed epochs hold for no other. */
  readonly paperSettings?: true;
  /**
   * Only runs that train every task from the beginning, or all of those with q > 7: the order of late tasks is their schedule's.
   */
  readonly fromStart?: "all" | "harder";
  readonly beside?: Beside;
}

/** Mean accuracy from which a model counts as having found a solution, or as having memorised its labels. */
export const SOLVED = 0.9;

/** Frequencies from which "a handful" of them is few: ten is half of them. */
export const MANY_FREQUENCIES = 20;

/** Mean loss over the tasks on samples that were not trained on; undefined where these are not known. */
function heldOutLoss(run: AnalyzedRun): number | undefined {
  const result = resultOf(run, "mechanism");
  const losses = result?.kind === "heads" ? result.heads.map(({ loss }) => loss.test) : [result?.loss?.test];
  const known = losses.flatMap((loss) => loss ?? []);
  return known.length === 0 ? undefined : mean(known);
}

/**
 * Why a run is not evidence about the solution; undefined where it is, or where nothing is known against it. Accuracy comes from
 * `curves`; a lone checkpoint has only the loss of `mechanism`, compared with half of a uniform guess's.
 */
export function unsolved(run: AnalyzedRun): Absence | undefined {
  const { label, config } = run;
  const accuracy = metricOf(run, "curves", "validation_accuracy");
  if (accuracy !== undefined) {
    if (accuracy >= SOLVED) return undefined;
    const epoch = metricOf(run, "curves", "epochs");
    return { kind: "not generalised", label, accuracy, ...(epoch === undefined ? {} : { epoch }) };
  }
  const loss = heldOutLoss(run) ?? metricOf(run, "mechanism", "loss");
  const chance = metricOf(run, "mechanism", "chance_loss") ?? Math.log(config.p);
  return loss === undefined || loss < chance / 2 ? undefined : { kind: "high loss", label, loss, chance };
}

/** Epochs planned where a run was stopped before them; undefined where it was not, or where that is not known. */
export function stoppedBefore(run: AnalyzedRun): { readonly epoch: number; readonly planned: number } | undefined {
  const [epoch, planned] = [metricOf(run, "curves", "epochs"), run.config.epochs];
  return epoch === undefined || planned === undefined || epoch >= planned ? undefined : { epoch, planned };
}

function unfinished(run: AnalyzedRun): Absence | undefined {
  const [stopped, why] = [stoppedBefore(run), unsolved(run)];
  if (stopped === undefined || why?.kind !== "not generalised") return undefined;
  return { ...why, planned: stopped.planned };
}

function unmemorised(run: AnalyzedRun): Absence | undefined {
  const accuracy = metricOf(run, "curves", "train_accuracy");
  if (accuracy === undefined) return noResult(run, "curves");
  return accuracy >= SOLVED ? undefined : { kind: "not memorised", label: run.label, accuracy };
}

/** Why a run is not among those that a claim is tested on; undefined where it is. */
export function excluded(run: AnalyzedRun, subject: Subject): Absence | undefined {
  const { label, config } = run;
  const { p } = config;
  if (subject.paperP && p !== PAPER_P) return { kind: "other p", label, p, wanted: PAPER_P };
  const settings = subject.paperSettings ? settingsApart(config) : undefined;
  if (settings !== undefined) return { kind: "other settings", label, settings };
  const late = lateTasks(config).filter((q) => subject.fromStart === "all" || (subject.fromStart === "harder" && isHarder(q)));
  if (late.length > 0) return { kind: "late tasks", label, q: late };
  if (subject.manyFrequencies && (p - 1) / 2 < MANY_FREQUENCIES) return { kind: "few frequencies", label, p };
  if (subject.solved) return unsolved(run);
  if (subject.finished) return unfinished(run);
  return subject.memorised ? unmemorised(run) : undefined;
}

/** The runs to compare one with, or why there are none. */
export function othersBeside(run: AnalyzedRun, runs: readonly AnalyzedRun[], beside: Beside): readonly AnalyzedRun[] | Absence {
  const { p } = run.config;
  const others = runs.filter(
    (other) =>
      roleOf(other) === beside.role &&
      (beside.same === "p" ? other.config.p === p : sameSettings(run.config, other.config)) &&
      (beside.solved === undefined || unsolved(other) === undefined),
  );
  if (others.length > 0) return others;
  const like = beside.same === "p" ? `at p = ${p}` : "with the same settings";
  return { kind: "no run", roles: [beside.role], like: beside.solved ? `${like} that has generalised` : like };
}

/** Of comparable runs those of the same seed where there are any: seeds differ by as much as settings do. */
export function likeSeed({ config }: AnalyzedRun, others: readonly AnalyzedRun[]): readonly AnalyzedRun[] {
  const same = others.filter((other) => other.config.seed === config.seed);
  return same.length > 0 ? same : others;
}

/** The runs on shuffled labels of the same p: structure that they share is no sign of the task. */
export function shuffledTwins({ config }: AnalyzedRun, runs: readonly AnalyzedRun[]): AnalyzedRun[] {
  const role = config.task === "nanda" ? "nanda-shuffled" : "basis";
  return runs.filter((other) => roleOf(other) === role && other.config.p === config.p);
}
