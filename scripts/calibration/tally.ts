import type { Count } from "./rates.ts";

/**
 * What a rate over models and its interval are computed from: sums over the models that had trials. Tallies of different models
 * add up to what all of them would have given.
 */
export interface Tally {
  readonly models: number;
  readonly trials: number;
  readonly alarms: number;
  /** Alarms that the stated rate gives of so many trials. */
  readonly expected: number;
  /** Σ alarms², Σ alarms·trials and Σ trials² over the models. */
  readonly squares: readonly [alarms: number, both: number, trials: number];
  /** Whether some model had more alarms than trials: a mean count, not a share. */
  readonly counted: boolean;
}

/** The tally of some models' counts of one check. */
export function tallyOf(counts: readonly Count[]): Tally {
  return counts
    .filter(({ trials }) => trials > 0)
    .map(
      ({ alarms, trials, expected }): Tally => ({
        models: 1,
        trials,
        alarms,
        expected,
        squares: [alarms ** 2, alarms * trials, trials ** 2],
        counted: alarms > trials,
      }),
    )
    .reduce(together, { models: 0, trials: 0, alarms: 0, expected: 0, squares: [0, 0, 0], counted: false });
}

/** The tally of the models of both; they must not have any in common. */
export function together(a: Tally, b: Tally): Tally {
  return {
    models: a.models + b.models,
    trials: a.trials + b.trials,
    alarms: a.alarms + b.alarms,
    expected: a.expected + b.expected,
    squares: [a.squares[0] + b.squares[0], a.squares[1] + b.squares[1], a.squares[2] + b.squares[2]],
    counted: a.counted || b.counted,
  };
}
