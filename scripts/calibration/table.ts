import { ANALYSES } from "../../src/analyses/index.ts";
import { CHECKED, UNCHECKED } from "./checks.ts";
import { judge, type Rate, rateOf, rateOfTally } from "./rates.ts";
import { modelsOf, type Row, type Store, type StoredCheck, shownTally } from "./store.ts";

/** A rate in percent, or a mean count as it is. */
function shown(value: number, counted: boolean): string {
  return counted ? value.toPrecision(3) : `${(100 * value).toFixed(value < 0.0995 ? 2 : 1)} %`;
}

export function cells(name: string, rate: Rate): string[] {
  const counted = name.includes("(mean count)");
  const text = (value: number) => shown(value, counted);
  return [text(rate.nominal), text(rate.observed), `${text(rate.low)} – ${text(rate.high)}`, String(rate.models), judge(rate)];
}

/** Every check's name, in the order of the analyses. */
const NAMES = CHECKED.flatMap(({ id, checks }) => checks.map(({ name }) => `${id}: ${name}`));

/** The checks over models, by name, in the order of the analyses. */
export function ratesOf(rows: readonly Row[]): Map<string, Rate> {
  const rates = NAMES.map((name) => [name, rateOf(rows.flatMap((row) => row.counts[name] ?? []))] as const);
  return new Map(rates.filter(([, { trials }]) => trials > 0));
}

/** A check's line in the table; undefined where nothing is known of it. */
function lineOf(name: string, check: StoredCheck | undefined): string | undefined {
  const tally = check && shownTally(check);
  const shownCells = tally === undefined ? check?.printed : cells(name, rateOfTally(tally));
  return shownCells && `| ${[name.replaceAll("|", "\\|"), ...shownCells].join(" | ")} |`;
}

/** Analyses that have no check, each with the reason where there is one. */
export function uncovered(): { readonly id: string; readonly reason: string | undefined }[] {
  const without = ANALYSES.filter(({ id }) => !CHECKED.some((checked) => checked.id === id));
  return without.map(({ id }) => ({ id, reason: UNCHECKED[id] }));
}

/** One Markdown table a size. */
export function tables(store: Store): string {
  return Object.entries(store)
    .map(([p, size]) => {
      const kinds = ["miiii", "nanda"].flatMap((task) =>
        ["he", "nanda"].map((init) => ({ task, init, kind: `${task} ${init}` })),
      );
      const settings = kinds.map(({ task, init, kind }) => `${modelsOf(size, kind)} of \`${task}\` with init \`${init}\``);
      const all = kinds.reduce((sum, { kind }) => sum + modelsOf(size, kind), 0);
      const lines = NAMES.flatMap((name) => lineOf(name, size.checks[name]) ?? []);
      return [
        `## p = ${p}: ${all} untrained models`,
        `${settings.join(", ")}.`,
        ["| null | stated | observed | 95 % interval | models | |", "|---|---:|---:|---|---:|---|", ...lines].join("\n"),
      ].join("\n\n");
    })
    .join("\n\n");
}
