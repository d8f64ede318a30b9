/** One deliberate fault: a text that occurs once in a file, what replaces it, and the tests that must notice. */
export interface Mutant {
  readonly kind: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Test files, from the root. */
  readonly tests: readonly string[];
}

/** The faults of one file: `[kind, find, replace]`. */
export function faults(file: string, tests: readonly string[], list: readonly (readonly [string, string, string])[]): Mutant[] {
  return list.map(([kind, find, replace]) => ({ kind, file, find, replace, tests }));
}
