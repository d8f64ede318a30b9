import type { TopLevelSpec } from "vega-lite";
import { csvOf, specText, type Table } from "../../figures/index.ts";

/** Hands bytes to the reader under a file's name. */
export function save(name: string, type: string, part: BlobPart): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([part], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The drawing as a file of its own: on white, in the ink of a light page, its ids its own. */
function svgText(svg: SVGSVGElement, id: string): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("style", "background: white; color: #1d2329");
  for (const element of copy.querySelectorAll("[id]")) if (!element.id.startsWith(id)) element.id = `${id}-${element.id}`;
  const text = new XMLSerializer().serializeToString(copy);
  return text.replaceAll(
    /url\(&quot;#([^&]*)&quot;\)|url\(#([^)]*)\)/g,
    (whole, quoted: string | undefined, plain: string | undefined) => {
      const name = quoted ?? plain ?? "";
      return name.startsWith(id) ? whole : `url(#${id}-${name})`;
    },
  );
}

/** Saves the drawing as SVG. */
export function saveSvg(svg: SVGSVGElement, id: string): void {
  save(`${id}.svg`, "image/svg+xml", svgText(svg, id));
}

/** Saves the drawing as PNG at twice its size. */
export function savePng(svg: SVGSVGElement, id: string): void {
  const { width, height } = svg.viewBox.baseVal;
  const image = new Image();
  image.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => {
      if (blob !== null) save(`${id}.png`, "image/png", blob);
    }, "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg, id))}`;
}

/** Saves the data of a figure as one long table. */
export function saveCsv(table: Table, id: string): void {
  save(`${id}.csv`, "text/csv", csvOf(table).replaceAll("\u2060", ""));
}

/** Saves the spec, its values as data. */
export function saveSpec(spec: TopLevelSpec, id: string): void {
  save(`${id}.vl.json`, "application/json", specText(spec));
}
