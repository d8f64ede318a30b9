import { escapeHtml } from "./html.ts";
import type { ReportRun } from "./types.ts";

/** The page's runs as a list of boxes: what is checked is drawn in every figure. Nothing where there is one run. */
export function runPicker(runs: readonly ReportRun[], selected: readonly ReportRun[], shown: ReadonlySet<string>): string {
  if (runs.length < 2 || shown.size === 0) return "";
  const boxes = runs.map(
    ({ label, config }) =>
      `<label><input type="checkbox" data-run="${escapeHtml(label)}"> ${escapeHtml(label)} <span class="soft">${escapeHtml(`p = ${config.p}`)}</span></label>`,
  );
  return `<details id="runs"><summary>runs: <span class="count">${selected.length} of ${runs.length} runs</span></summary><div class="boxes" role="group" aria-label="runs shown in all figures">${boxes.join("")}</div></details>`;
}
