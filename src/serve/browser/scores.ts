import type { ModelPicture } from "../../api/explore/explored-model.ts";
import { tableRow } from "../../report/browser/dom.ts";

/** Accuracy of each task by set, as a table: what is left where a task has no closed form. */
export function accuracyTable({ evaluation, chance }: ModelPicture): HTMLTableElement {
  const sets = (["train", "validation", "test", "all"] as const).filter((set) => evaluation[0]?.accuracy[set] !== undefined);
  const table = document.createElement("table");
  table.append(
    tableRow(["task", ...sets, "chance"], "th"),
    ...evaluation.map(({ q, accuracy }, i) =>
      tableRow([String(q), ...sets.map((set) => (accuracy[set] ?? 0).toFixed(3)), (chance[i] ?? 0).toFixed(3)], "td"),
    ),
  );
  return table;
}
