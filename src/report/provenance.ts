import { roleOf, settingsApart } from "../claims/index.ts";
import type { Json } from "../core/index.ts";

import { escapeHtml, formatNumber } from "./html.ts";
import type { Provenance, ReportInput, ReportRun } from "./types.ts";

const NOT_RECORDED = '<span class="missing">not recorded</span>';

/** Plain JSON as short text. */
export function valueInWords(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map(valueInWords).join(", ");
  return Object.entries(value)
    .map(([key, entry]) => `${key} ${valueInWords(entry)}`)
    .join(", ");
}

function spokenDuration(seconds: number): string {
  if (seconds < 120) return `${formatNumber(Number(seconds.toPrecision(3)))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const KNOWN: readonly { readonly name: string; readonly of: (run: ReportRun) => string | undefined; readonly code?: boolean }[] =
  [
    { name: "checkpoint", of: ({ path }) => path, code: true },
    { name: "checkpoint SHA-256", of: ({ sha256 }) => sha256, code: true },
    { name: "command", of: ({ provenance }) => provenance.command, code: true },
    { name: "role in the claims", of: (run) => roleOf(run) ?? "none" },
    { name: "differs from the paper in", of: ({ config }) => settingsApart(config) ?? "nothing recorded" },
    { name: "epochs", of: ({ provenance, config }) => epochsText(provenance, config.epochs) },
    {
      name: "wall time",
      of: ({ provenance }) => (provenance.wall_time_s === undefined ? undefined : spokenDuration(provenance.wall_time_s)),
    },
    { name: "runtime", of: ({ provenance }) => provenance.runtime },
    { name: "device", of: ({ provenance }) => provenance.device },
    {
      name: "versions",
      of: ({ provenance }) => (provenance.versions === undefined ? undefined : valueInWords(provenance.versions)),
    },
    { name: "data split hash", of: ({ provenance }) => provenance.split_hash, code: true },
    { name: "series", of: ({ provenance }) => (provenance.series === undefined ? undefined : valueInWords(provenance.series)) },
  ];

const SHOWN = new Set(["command", "epochs", "wall_time_s", "runtime", "device", "versions", "split_hash", "series"]);

function epochsText({ epochs }: Provenance, planned: number | undefined): string | undefined {
  if (epochs === undefined) return planned === undefined ? undefined : `${formatNumber(planned)} planned`;
  return planned === undefined || planned === epochs
    ? formatNumber(epochs)
    : `${formatNumber(epochs)} of ${formatNumber(planned)} planned`;
}

/** Rows in which all runs agree are said once. */
function alike(texts: readonly (string | undefined)[]): string | undefined {
  const [first] = texts;
  return texts.length > 1 && texts.every((text) => text === first) ? (first ?? "") : undefined;
}

/** Settings in which the runs differ, one row a setting; and those that they share. */
function configRows(runs: readonly ReportRun[]): { name: string; of: (run: ReportRun) => string | undefined; code: boolean }[] {
  const names = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))].sort();
  return names.map((name) => ({
    name,
    code: true,
    of: ({ config }) => {
      const value = Object.entries(config).find(([key]) => key === name)?.[1];
      if (value === undefined) return undefined;
      return Array.isArray(value) && value.length === 0 ? "none" : String(value);
    },
  }));
}

/** Where each run comes from, as a table of what differs; what all runs have alike is said under it. */
export function provenanceBlock({ runs, generator }: Pick<ReportInput, "runs" | "generator">): string {
  const extra = [...new Set(runs.flatMap((run) => Object.keys(run.provenance)))].filter((name) => !SHOWN.has(name)).sort();
  const rows = [
    ...KNOWN,
    ...configRows(runs),
    ...extra.map((name) => ({ name, code: false, of: (run: ReportRun) => valueInWords(run.provenance[name]) })),
  ].map(({ name, of, code = false }) => ({ name, code, texts: runs.map(of) }));
  const cell = (text: string | undefined, code: boolean) => {
    if (text === undefined || text === "") return `<td>${NOT_RECORDED}</td>`;
    return `<td>${code ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text)}</td>`;
  };
  const differing = rows.filter(({ texts }) => alike(texts) === undefined);
  const shared = rows.flatMap(({ name, texts }) => {
    const text = alike(texts);
    return text === undefined || text === "" ? [] : [`${escapeHtml(name)} <code>${escapeHtml(text)}</code>`];
  });
  const lines = differing.map(
    ({ name, code, texts }) =>
      `<tr><th scope="row">${escapeHtml(name)}</th>${texts.map((text) => cell(text, code)).join("")}</tr>`,
  );
  const [what, where] = runs.length === 1 ? ["setting", "where the run comes from"] : ["differs in", "where the runs differ"];
  const commit = generator.commit === undefined ? "" : `, commit <code>${escapeHtml(generator.commit)}</code>`;
  return `<p>This page: <code>${escapeHtml(generator.command)}</code>, miiii ${escapeHtml(generator.version)}${commit}.</p>
<div class="scroll" role="region" tabindex="0" aria-label="${where}"><table><thead><tr><th scope="col">${what}</th>${runs.map(({ label }) => `<th scope="col">${escapeHtml(label)}</th>`).join("")}</tr></thead><tbody>
${lines.join("\n")}
</tbody></table></div>
${shared.length === 0 ? "" : `<details><summary>the same in all ${runs.length} runs: ${shared.length} settings</summary><p>${shared.join("; ")}</p></details>`}`;
}
