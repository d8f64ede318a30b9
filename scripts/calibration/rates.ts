import { type Tally, tallyOf } from "./tally.ts";

/** How often something happened, and how often it is said to happen. */
export interface Count {
  readonly alarms: number;
  readonly trials: number;
  /** Alarms that the stated rate gives of so many trials. */
  readonly expected: number;
}

/** Counts of one model by check. */
export type Counts = Readonly<Record<string, Count>>;

/** A check over many models. */
export interface Rate {
  readonly models: number;
  readonly trials: number;
  readonly nominal: number;
  readonly observed: number;
  /** 95 % interval of the observed rate. */
  readonly low: number;
  readonly high: number;
}

/** `holds`: the whole interval lies below twice the nominal rate; `open`: it reaches beyond; `fails`: all of it lies beyond. */
export type Judgement = "holds" | "open" | "fails";

/** 95 % of a normal variable lie within so many standard deviations. */
const Z = 1.959963984540054;

/**
 * The rate over models that count trials. The trials of one model are not independent of each other (its neurons read one
 * embedding), so the interval is Wilson's for as many independent trials as the spread between models bears out: never more than
 * there are trials, nor fewer than models. Where a model can have more alarms than trials (a mean count), the interval is normal.
 */
export function rateOf(counts: readonly Count[]): Rate {
  return rateOfTally(tallyOf(counts));
}

/** {@link rateOf} from the sums over the models. */
export function rateOfTally({ models, trials, alarms, expected, squares, counted }: Tally): Rate {
  if (trials === 0) return { models, trials, nominal: 0, observed: 0, low: 0, high: 1 };
  const [observed, nominal] = [alarms / trials, expected / trials];
  // Variance of the ratio of totals, models being the independent units: Σ (alarms − observed·trials)², multiplied out.
  const spread = Math.max(0, squares[0] - 2 * observed * squares[1] + observed ** 2 * squares[2]);
  const variance = ((models / Math.max(1, models - 1)) * spread) / trials ** 2;
  if (observed > 1 || counted) {
    const reach = Z * Math.sqrt(variance);
    return { models, trials, nominal, observed, low: observed - reach, high: observed + reach };
  }
  const effective = variance === 0 ? trials : (observed * (1 - observed)) / variance;
  const n = Math.min(trials, Math.max(models, effective));
  const center = (observed + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const reach = (Z / (1 + Z ** 2 / n)) * Math.sqrt((observed * (1 - observed)) / n + Z ** 2 / (4 * n ** 2));
  return { models, trials, nominal, observed, low: Math.max(0, center - reach), high: Math.min(1, center + reach) };
}

/** What a rate says of its nominal one. */
export function judge({ nominal, low, high }: Rate): Judgement {
  return high <= 2 * nominal ? "holds" : low <= 2 * nominal ? "open" : "fails";
}
