import { gzipSync } from "node:zlib";
import type { AnalysisInput } from "../analyses/kit/define.ts";
import type { Json } from "../core/index.ts";

/** What the page's script knows of a run: enough for every figure to be drawn anew from other runs. */
export interface RunData {
  readonly label: string;
  readonly config: AnalysisInput["config"];
  /** Results by analysis id. */
  readonly results: Readonly<Record<string, Json>>;
}

/** How a figure of the page is made in the page. */
export type FigureSource =
  /** From the chosen runs' results, by an analysis. */
  | { readonly kind: "analysis"; readonly id: string }
  /** From no run, by its name among the background figures. */
  | { readonly kind: "background"; readonly id: string }
  /** From a spec that the page holds, of the runs with these labels. */
  | { readonly kind: "spec"; readonly payload: string; readonly labels: readonly string[] };

/** What the page's script reads first; everything large is a payload of its own, unpacked when it is needed. */
export interface PageIndex {
  readonly runs: readonly {
    readonly label: string;
    readonly payload: string;
    readonly selected: boolean;
    readonly config: AnalysisInput["config"];
  }[];
  readonly figures: readonly { readonly id: string; readonly title: string; readonly source: FigureSource }[];
  /** The runs of the first figure: the model and, where there is one, its twin. */
  readonly hero: readonly string[];
  /** Models that the page can run, by label. */
  readonly models: readonly { readonly label: string; readonly payload: string }[];
}

/** JSON, compressed, as text that stands in the page: the same text for the same value. */
export function packJson(value: unknown): string {
  return packBytes(Buffer.from(JSON.stringify(value)));
}

/** Bytes, compressed, as text that stands in the page. Level 9 takes three times as long, for half a percent less. */
export function packBytes(bytes: Uint8Array): string {
  return gzipSync(bytes, { level: 6 }).toString("base64");
}

/** A payload's element: no script, and nothing that a browser would read as markup. */
export function payloadElement(id: string, text: string): string {
  return `<script type="text/plain" id="${id}">${text}</script>`;
}
