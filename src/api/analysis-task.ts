import type { Analysis, AnalysisInput, OptionValues } from "../analyses/kit/define.ts";
import { at, type Json } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { type Looked, withAnalysisInput } from "./analysis-input.ts";
import type { OnNote } from "./foreign.ts";
import { sharedPass } from "./shared-pass.ts";

/** What is told of analyses under way. */
export interface TaskListener {
  readonly onStart: (id: string) => void;
  readonly onProgress: (id: string, done: number, total: number) => void;
  readonly onNote: OnNote;
  readonly onResult: (id: string, result: Json) => void;
  readonly onError: (id: string, error: unknown) => void;
}

/** How a task's model is looked at. */
export interface TaskOptions {
  /** Asked for once, where an analysis needs one. */
  readonly runtime: Runtime | undefined;
  readonly seed: number;
  readonly options: OptionValues;
  /** Activations of the model that are known already. */
  readonly activations?: AnalysisInput["activations"];
}

/**
 * Runs analyses on one model in this thread: one after the other, but for those that go through the run's models, which do so
 * together. What an analysis throws is told, and costs that analysis alone.
 */
export async function runAnalyses(
  analyses: readonly Analysis[],
  model: Looked,
  { runtime, seed, options, activations }: TaskOptions,
  { onStart, onProgress, onNote, onResult, onError }: TaskListener,
): Promise<void> {
  const needs = [...new Set(analyses.flatMap((analysis) => analysis.needs))];
  const together = analyses.filter((analysis) => analysis.needs.includes("models"));
  const look = { runtime, seed, onNote, ...(activations === undefined ? {} : { activations }) };
  await withAnalysisInput(model, needs, look, async (input) => {
    const run = async (analysis: Analysis, own: AnalysisInput): Promise<void> => {
      onStart(analysis.id);
      try {
        const watched = { ...own, onProgress: (done: number, total: number) => onProgress(analysis.id, done, total) };
        onResult(analysis.id, await analysis.run(watched, options));
      } catch (error) {
        onError(analysis.id, error);
      }
    };
    for (const analysis of analyses.filter((candidate) => !together.includes(candidate))) await run(analysis, input);
    const { series } = input;
    if (series === undefined) {
      for (const analysis of together) await run(analysis, input);
      return;
    }
    const members = sharedPass(together.length, (...asked) => series.models(...asked)[Symbol.asyncIterator]());
    await Promise.all(
      together.map(async (analysis, i) => {
        const { models, leave } = at(members, i);
        // Over the same series: rows are read when they are first asked for.
        await run(analysis, { ...input, series: Object.create(series, { models: { value: models } }) as typeof series });
        leave();
      }),
    );
  });
}
