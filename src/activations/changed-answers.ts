import { dim, ensure, type NdArray } from "../core/index.ts";
import { changeAnswersProgram, earlierClasses } from "../model/index.ts";
import type { Program, Runtime } from "../runtimes/index.ts";
import type { Head } from "../tasks/index.ts";
import { blockRows, scoredBlocks } from "./scored-blocks.ts";

/**
 * Whether each output head answers its target once values [n, g] times readout [g, classes] have been added to the logits: 1 or
 * 0, [n, tasks].
 */
export type HitsAfter = (values: NdArray<"float64">, readout: NdArray<"float64">) => Promise<Uint8Array>;

/** What tells how logits answer after changes. Call `dispose` when done. */
export interface ChangedAnswers {
  /** For some logits [n, classes] and the samples' targets, [n, tasks]. */
  readonly hitsAfter: (logits: NdArray<"float64">, targets: NdArray<"int32">) => Promise<HitsAfter>;
  readonly dispose: () => Promise<void>;
}

/**
 * Tells, in float64 and as the first of the largest logits has it, how logits answer after changes that are products. Neither
 * the changes nor the new logits leave the runtime, which would cost several times as much as making them.
 */
export function changedAnswers(runtime: Runtime, heads: readonly Head[]): ChangedAnswers {
  const programs = new Map<number, Promise<Program>>();
  return {
    async hitsAfter(logits, targets) {
      const [n, tasks] = [dim(logits, 0), heads.length];
      ensure(dim(targets, 0) === n, "input", () => `hits: needs targets of ${n} samples, got ${dim(targets, 0)}`);
      const every = Int32Array.from({ length: n }, (_, i) => i);
      const blocks = scoredBlocks(targets, heads, every).map((block) => ({
        ...block,
        earlier: earlierClasses(block.columns, heads),
        base: blockRows(logits, block),
      }));
      const size = blocks[0]?.samples.length ?? 0;
      const compiled = programs.get(size) ?? runtime.compile(changeAnswersProgram(heads, size));
      programs.set(size, compiled);
      const program = await compiled;
      return async (values, readout) => {
        const hits = new Uint8Array(n * tasks);
        for (const block of blocks) {
          const { base, columns, earlier, start, count } = block;
          const feeds = { base, columns, earlier, values: blockRows(values, block), readout };
          const [{ ahead } = {}] = await program.run([feeds]);
          for (let i = 0; i < count * tasks; i++) hits[start * tasks + i] = ahead?.data[i] === 0 ? 1 : 0;
        }
        return hits;
      };
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}
