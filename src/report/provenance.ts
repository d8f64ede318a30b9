import { roleOf, settingsApart } from "../claims/index.ts";
import type { Json } from "../core/index.ts";
import { runColor } from "../figures/index.ts";

import { escapeHtml, formatNumber } from "./html.ts";
import type { Provenance, ReportInput, ReportRun } from "./types.ts";

const NOT_RECORDED = '<span class="missing">not recorded</span>';

/** Plain JSON as short text. */
export function jsonText(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map(jsonText).join(", ");
  return Object.entries(value)
    .map(([key, entry]) => `${key} ${jsonText(entry)}`)
    .join(", ");
}

function duration(seconds: number): string {
  if (seconds < 120) return `${formatNumber(Number(seconds.toPrecision(3)))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const KNOWN: readonly { readonly name: string; readonly of: (run: ReportRun) => string | undefined; readonly code?: boolean }[] =
  [
    { name: "checkpoint", of: ({ path }) => path, code: true },
    { name: "checkpoint SHA-256", of: ({ sha256 }) => sha256, code: true },
    { name: "command", of: ({ provenance }) => provenance.command, code: true },
    { name: "task, preset", of: ({ config }) => `${config.task}, ${config.preset ?? "no preset"}` },
    { name: "role in the claims", of: (run) => roleOf(run) ?? "none" },
    { name: "differs from the paper in", of: ({ config }) => settingsApart(config) ?? "nothing recorded" },
    { name: "seed", of: ({ config }) => (config.seed === undefined ? undefined : String(config.seed)) },
    { name: "epochs", of: ({ provenance, config }) => epochsText(provenance, config.epochs) },
    {
      name: "wall time",
      of: ({ provenance }) => (provenance.wall_time_s === undefined ? undefined : duration(provenance.wall_time_s)),
    },
    { name: "runtime", of: ({ provenance }) => provenance.runtime },
    { name: "device", of: ({ provenance }) => provenance.device },
    { name: "versions", of: ({ provenance }) => (provenance.versions === undefined ? undefined : jsonText(provenance.versions)) },
    { name: "data split hash", of: ({ provenance }) => provenance.split_hash, code: true },
    { name: "series", of: ({ provenance }) => (provenance.series === undefined ? undefined : jsonText(provenance.series)) },
    { name: "config", of: ({ config }) => configText(config), code: true },
  ];

const SHOWN = new Set(["command", "epochs", "wall_time_s", "runtime", "device", "versions", "split_hash", "series"]);

function epochsText({ epochs }: Provenance, planned: number | undefined): string | undefined {
  if (epochs === undefined) return planned === undefined ? undefined : `${formatNumber(planned)} planned`;
  return planned === undefined || planned === epochs
    ? formatNumber(epochs)
    : `${formatNumber(epochs)} of ${formatNumber(planned)} planned`;
}

function configText(config: ReportRun["config"]): string {
  return Object.entries(config)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
}

/** The square of a run's color, as in the figures, and its label. */
export function runChip(run: ReportRun, i: number): string {
  return `<span class="chip" style="background:${runColor(i)}"></span>${escapeHtml(run.label)}`;
}

/** Where each run comes from, one column a run, and what made the page. */
export function provenanceBlock({ runs, generator }: ReportInput): string {
  const extra = [...new Set(runs.flatMap((run) => Object.keys(run.provenance)))].filter((name) => !SHOWN.has(name)).sort();
  const cell = (text: string | undefined, code = false) => {
    if (text === undefined || text === "") return `<td>${NOT_RECORDED}</td>`;
    return `<td>${code ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text)}</td>`;
  };
  const lines = [
    ...KNOWN.map(
      ({ name, of, code }) => `<tr><th scope="row">${name}</th>${runs.map((run) => cell(of(run), code)).join("")}</tr>`,
    ),
    ...extra.map(
      (name) =>
        `<tr><th scope="row">${escapeHtml(name)}</th>${runs.map((run) => cell(jsonText(run.provenance[name]))).join("")}</tr>`,
    ),
  ];
  const commit = generator.commit === undefined ? "" : `, commit <code>${escapeHtml(generator.commit)}</code>`;
  return `<p>This page: <code>${escapeHtml(generator.command)}</code>, miiii ${escapeHtml(generator.version)}${commit}.</p>
<div class="scroll"><table><thead><tr><th></th>${runs.map((run, i) => `<th scope="col">${runChip(run, i)}</th>`).join("")}</tr></thead><tbody>
${lines.join("\n")}
</tbody></table></div>`;
}
