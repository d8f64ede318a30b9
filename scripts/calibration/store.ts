import type { Setting } from "./models.ts";
import type { Counts } from "./rates.ts";
import { hasSeed, type Seeds, seedCount, withSeeds } from "./seeds.ts";
import { type Tally, tallyOf, together } from "./tally.ts";

/** One untrained model's counts. */
export interface Row extends Setting {
  readonly counts: Counts;
}

/** Seeds by kind of model: "miiii he". */
type SeedsByKind = Readonly<Record<string, Seeds>>;

/** What is known of one check at one size. */
export interface StoredCheck {
  /** The cells of the table where no more than these is known, for a row whose counts were not kept. */
  readonly printed?: readonly string[];
  /** How many models those cells are of. */
  readonly printedModels?: number;
  /** The counts, of models other than those of `printed`. */
  readonly tally?: Tally;
  /** Whose counts are in the tally, beside any from before seeds were kept. */
  readonly seeds: SeedsByKind;
}

/** What is known of one size. */
export interface StoredSize {
  /** Models by kind: how many whose seeds were not kept (all below {@link StoredSize.firstSeed}), and the others' seeds. */
  readonly models: Readonly<Record<string, { readonly before: number; readonly seeds: Seeds }>>;
  /** Seeds from here on are known to be new. */
  readonly firstSeed: number;
  readonly checks: Readonly<Record<string, StoredCheck>>;
}

/** `docs/calibration.json`: what the page's tables are made from, by p. */
export type Store = Readonly<Record<string, StoredSize>>;

const kindOf = ({ task, init }: Setting) => `${task} ${init}`;

/** How many models of a kind were looked at. */
export function modelsOf({ models }: StoredSize, kind: string): number {
  const known = models[kind];
  return known === undefined ? 0 : known.before + seedCount(known.seeds);
}

/** The counts that a row of the table rests on: those kept, unless printed cells are of more models. */
export function shownTally({ printedModels = 0, tally }: StoredCheck): Tally | undefined {
  return tally === undefined || tally.models < printedModels ? undefined : tally;
}

/** One check with the counts of further models; those whose seeds it has are passed over. */
function withRows(check: StoredCheck | undefined, name: string, rows: readonly Row[]): StoredCheck {
  const known = check ?? { seeds: {} };
  const fresh = rows.filter((row) => row.counts[name] !== undefined && !hasSeed(known.seeds[kindOf(row)] ?? [], row.seed));
  const tally = tallyOf(fresh.flatMap(({ counts }) => counts[name] ?? []));
  if (tally.models === 0) return known;
  const kinds = [...new Set(fresh.map(kindOf))];
  const seeds = kinds.map((kind) => {
    const more = fresh.filter((row) => kindOf(row) === kind).map(({ seed }) => seed);
    return [kind, withSeeds(known.seeds[kind] ?? [], more)] as const;
  });
  return {
    ...known,
    tally: known.tally === undefined ? tally : together(known.tally, tally),
    seeds: { ...known.seeds, ...Object.fromEntries(seeds) },
  };
}

/**
 * The store with the counts of further models. What it has of other checks stays as it is; a model counts once however often its
 * row is given, and not at all where its seed may be one of those from before seeds were kept.
 */
export function merged(store: Store, rows: readonly Row[]): Store {
  const sizes = [...new Set([...Object.keys(store).map(Number), ...rows.map(({ p }) => p)])].sort((a, b) => a - b);
  return Object.fromEntries(
    sizes.map((p) => {
      const size = store[p] ?? { models: {}, firstSeed: 0, checks: {} };
      const own = rows.filter((row) => row.p === p && row.seed >= size.firstSeed);
      const names = [...new Set([...Object.keys(size.checks), ...own.flatMap(({ counts }) => Object.keys(counts))])];
      const kinds = [...new Set([...Object.keys(size.models), ...own.map(kindOf)])];
      const models = kinds.map((kind) => {
        const { before, seeds } = size.models[kind] ?? { before: 0, seeds: [] };
        const more = own.filter((row) => kindOf(row) === kind).map(({ seed }) => seed);
        return [kind, { before, seeds: withSeeds(seeds, more) }] as const;
      });
      const checks = names.map((name) => [name, withRows(size.checks[name], name, own)] as const);
      return [p, { ...size, models: Object.fromEntries(models), checks: Object.fromEntries(checks) }] as const;
    }),
  );
}

/** A store as the text of its file: a line a check. */
export function storeText(store: Store): string {
  const list = (entries: Readonly<Record<string, unknown>>, indent: string) =>
    Object.entries(entries)
      .map(([name, value]) => `${indent}${JSON.stringify(name)}: ${JSON.stringify(value)}`)
      .join(",\n");
  const sizes = Object.entries(store).map(
    ([p, { models, firstSeed, checks }]) =>
      `  "${p}": {\n    "firstSeed": ${firstSeed},\n    "models": {\n${list(models, "      ")}\n    },\n    "checks": {\n${list(checks, "      ")}\n    }\n  }`,
  );
  return `{\n${sizes.join(",\n")}\n}\n`;
}
