import type { TopLevelSpec } from "vega-lite";
import { writeText } from "../api/output.ts";
import { writeFileAtomic } from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";

/** What a page says around a figure. */
export interface Caption {
  readonly title: string;
  readonly headline: string;
}

type Draw = (spec: TopLevelSpec, caption: Caption) => Promise<void>;

/** How a figure is drawn to `path`, by the file's ending; an ending that is not known is a usage error, before any work is done. */
export function figureWriter(path: string): Draw {
  const ending = /(\.vl\.json|\.html|\.svg|\.png)$/i.exec(path)?.[1]?.toLowerCase();
  switch (ending) {
    case ".vl.json":
      return async (spec) => writeText(path, `${JSON.stringify(spec, null, 1)}\n`);
    case ".svg":
      return async (spec) => {
        const { renderSvg } = await import("../figures/render.ts");
        writeText(path, await renderSvg(spec));
      };
    case ".png":
      return async (spec) => {
        const { renderSvg, svgToPng } = await import("../figures/render.ts");
        writeFileAtomic(path, svgToPng(await renderSvg(spec)));
      };
    case ".html":
      return async (spec, caption) => {
        const { figurePage } = await import("../report/index.ts");
        writeText(path, await figurePage(spec, caption));
      };
    default:
      throw new MiiiiError("usage", `--figure: the file must end in .html, .svg, .png or .vl.json, got ${path}`);
  }
}
