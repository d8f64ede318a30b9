import type { Answer, Package, Question } from "./environment.ts";
import type { Models } from "./models.ts";
import type { Row } from "./rows.ts";

/** What a check works with. */
export interface Context {
  readonly models: Models;
  /** A folder of its own, removed in the end. */
  readonly folder: string;
  /** Versions of TransformerLens with `HookedTransformer` that are there. */
  readonly lenses: readonly string[];
  /** Runs a script of `py/`; `name` sets calls of one check apart. */
  ask(script: string, question: Question, name?: string): Answer;
}

/** One part of the comparison. */
export interface Check {
  readonly id: string;
  /** The Python packages that it needs beside what exchanges arrays. */
  readonly needs: readonly Package[];
  /** Why it cannot be run here, whatever is installed. */
  readonly missing?: () => string | undefined;
  run(context: Context): Promise<readonly Row[]>;
}
