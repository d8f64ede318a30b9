import { ANALYSES } from "../../src/analyses/index.ts";
import { CHECKED, UNCHECKED } from "./checks.ts";
import type { Setting } from "./models.ts";
import { type Counts, judge, type Rate, rateOf } from "./rates.ts";

/** One untrained model's counts. */
export interface Row extends Setting {
  readonly counts: Counts;
}

/** A rate in percent, or a mean count as it is. */
function shown(value: number, counted: boolean): string {
  return counted ? value.toPrecision(3) : `${(100 * value).toFixed(value < 0.0995 ? 2 : 1)} %`;
}

function cells(name: string, rate: Rate): string[] {
  const counted = name.includes("(mean count)");
  const text = (value: number) => shown(value, counted);
  return [text(rate.nominal), text(rate.observed), `${text(rate.low)} – ${text(rate.high)}`, String(rate.models), judge(rate)];
}

/** The checks over models, by name, in the order of the analyses. */
export function ratesOf(rows: readonly Row[]): Map<string, Rate> {
  const names = CHECKED.flatMap(({ id, checks }) => checks.map(({ name }) => `${id}: ${name}`));
  const rates = names.map((name) => {
    const counts = rows.flatMap((row) => row.counts[name] ?? []);
    return [name, rateOf(counts)] as const;
  });
  return new Map(rates.filter(([, { trials }]) => trials > 0));
}

/** Analyses that have no check, each with the reason where there is one. */
export function uncovered(): { readonly id: string; readonly reason: string | undefined }[] {
  const without = ANALYSES.filter(({ id }) => !CHECKED.some((checked) => checked.id === id));
  return without.map(({ id }) => ({ id, reason: UNCHECKED[id] }));
}

/** One Markdown table a size. */
export function tables(rows: readonly Row[]): string {
  const sizes = [...new Set(rows.map(({ p }) => p))].sort((a, b) => a - b);
  return sizes
    .map((p) => {
      const own = rows.filter((row) => row.p === p);
      const settings = ["miiii", "nanda"].flatMap((task) =>
        ["he", "nanda"].map((init) => {
          const count = own.filter((row) => row.task === task && row.init === init).length;
          return `${count} of \`${task}\` with init \`${init}\``;
        }),
      );
      const lines = [...ratesOf(own)].map(
        ([name, rate]) => `| ${[name.replaceAll("|", "\\|"), ...cells(name, rate)].join(" | ")} |`,
      );
      return [
        `## p = ${p}: ${own.length} untrained models`,
        `${settings.join(", ")}.`,
        ["| null | stated | observed | 95 % interval | models | |", "|---|---:|---:|---|---:|---|", ...lines].join("\n"),
      ].join("\n\n");
    })
    .join("\n\n");
}
