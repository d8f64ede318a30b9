import { isElement, parseSvg, type SvgElement, writeSvg } from "../figures/svg-tree.ts";
import { type Box, boxesPath, shortPath } from "./svg-path.ts";

// For screen readers, events and style sheets: a static figure has one text alternative, no events and no styles.
const DROPPED = /^(?:aria-.*|role|class|pointer-events|version|font-family)$/;
const GEOMETRY = new Set(["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height"]);
const INHERITED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-opacity",
  "stroke-width",
  "stroke-dasharray",
  "font-size",
  "font-style",
  "font-weight",
  "text-anchor",
];
const LONG_NUMBER = /-?\d*\.\d{2,}(?:e-?\d+)?|-?\d+(?:\.\d+)?e-\d+/g;

const RGB = /rgb\((\d+), (\d+), (\d+)\)/g;

const hex = (text: string) =>
  text.replace(
    RGB,
    (_, ...rgb: string[]) =>
      `#${rgb
        .slice(0, 3)
        .map((c) => Number(c).toString(16).padStart(2, "0"))
        .join("")}`,
  );
const tidy = (value: number) => String(Number(value.toFixed(2)));
const roundedNumbers = (text: string) => text.replace(LONG_NUMBER, (number) => String(Number(Number(number).toFixed(1))));

/** Backgrounds and foregrounds that draw nothing. */
function isInvisible({ tag, attributes, children }: SvgElement): boolean {
  if (tag === "g") return children.length === 0;
  if (attributes.get("display") === "none") return true;
  if (tag !== "path") return false;
  const area = /^(?:background|foreground)$/.test(attributes.get("class") ?? "");
  return attributes.get("d") === "" || (area && !attributes.has("fill") && !attributes.has("stroke"));
}

function stripped({ tag, attributes, children }: SvgElement): SvgElement {
  const drawn = attributes.has("stroke") || tag === "g" || tag === "svg";
  const kept = [...attributes].filter(([name, value]) => {
    if (!drawn && name.startsWith("stroke")) return false;
    const nothing = (name === "opacity" && value === "1") || (name === "transform" && value === "translate(0,0)");
    return !nothing && !DROPPED.test(name);
  });
  return {
    tag,
    attributes: new Map(kept.map(([name, value]) => [name, GEOMETRY.has(name) ? roundedNumbers(value) : hex(value)])),
    children,
  };
}

/** Moves to a group what all its children say alike. */
function hoist({ tag, attributes, children }: SvgElement): SvgElement {
  const elements = children.filter(isElement);
  const [first] = elements;
  if (tag !== "g" || elements.length < 2 || first === undefined || elements.length < children.length)
    return { tag, attributes, children };
  const common = INHERITED.filter((name) => {
    const value = first.attributes.get(name);
    return value !== undefined && !attributes.has(name) && elements.every((element) => element.attributes.get(name) === value);
  });
  const own = (element: SvgElement): SvgElement => ({
    ...element,
    attributes: new Map([...element.attributes].filter(([name]) => !common.includes(name))),
  });
  return {
    tag,
    attributes: new Map([...attributes, ...common.map((name) => [name, first.attributes.get(name) ?? ""] as const)]),
    children: elements.map(own),
  };
}

const TRANSLATE = /^translate\((-?[\d.]+),(-?[\d.]+)\)$/;
const BOX = /^M(-?[\d.]+),(-?[\d.]+)h(-?[\d.]+)v(-?[\d.]+)h(-?[\d.]+)Z$/;

/** A box at its place, and how it is drawn; undefined for anything else, and where overlaps would show. */
function placedBox({ tag, attributes }: SvgElement): { readonly box: Box; readonly rest: Map<string, string> } | undefined {
  const { d, transform = "translate(0,0)", ...others } = Object.fromEntries(attributes);
  const [place, box] = [TRANSLATE.exec(transform), BOX.exec(d ?? "")];
  if (tag !== "path" || place === null || box === null || Object.keys(others).some((name) => name.includes("opacity")))
    return undefined;
  const [x, y] = [1, 2].map((i) => Number(place[i]) + Number(box[i])) as [number, number];
  return { box: { x, y, width: Number(box[3]), height: Number(box[4]) }, rest: new Map(Object.entries(others)) };
}

const DISC = /^M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0$/;

/** A point that Vega draws as a path of two arcs, as a circle. */
function asCircle(element: SvgElement): SvgElement {
  const { d, transform = "translate(0,0)", ...others } = Object.fromEntries(element.attributes);
  const [place, disc] = [TRANSLATE.exec(transform), DISC.exec(d ?? "")];
  if (element.tag !== "path" || place === null || disc === null) return element;
  const circle = { cx: place[1] ?? "", cy: place[2] ?? "", r: disc[1] ?? "" };
  return { tag: "circle", attributes: new Map(Object.entries({ ...circle, ...others })), children: [] };
}

/** A line as Vega writes it, as a path's points; undefined for anything else. */
function placedLine({ tag, attributes }: SvgElement): { readonly d: string; readonly rest: Map<string, string> } | undefined {
  const { transform = "translate(0,0)", x2 = "0", y2 = "0", ...others } = Object.fromEntries(attributes);
  const place = TRANSLATE.exec(transform);
  if (tag !== "line" || place === null || "x1" in others || "y1" in others) return undefined;
  const [x, y] = [Number(place[1]), Number(place[2])];
  return { d: `M${x},${y}L${x + Number(x2)},${y + Number(y2)}`, rest: new Map(Object.entries(others)) };
}

/** A dot without an outline, as the end of a round stroke; undefined for anything else, and where overlaps would show. */
function placedDot({ tag, attributes }: SvgElement): { readonly d: string; readonly rest: Map<string, string> } | undefined {
  const { cx, cy, r, fill, ...others } = Object.fromEntries(attributes);
  if (tag !== "circle" || fill === undefined || Object.keys(others).length > 0) return undefined;
  const stroke = { stroke: fill, "stroke-width": tidy(2 * Number(r)), "stroke-linecap": "round" };
  return { d: `M${cx},${cy}L${cx},${cy}`, rest: new Map(Object.entries(stroke)) };
}

/** Marks that follow each other and are drawn alike. */
interface Run {
  readonly child: SvgElement | string;
  readonly style: string | undefined;
  readonly boxes: Box[];
  readonly lines: string[];
}

/**
 * Boxes and lines in a row that are drawn alike, such as the squares of a Hinton diagram or an axis's ticks, as one path each;
 * other paths shortened. Boxes of no size draw nothing and go.
 */
function drawPaths(children: readonly (SvgElement | string)[]): (SvgElement | string)[] {
  const runs: Run[] = [];
  for (const child of children) {
    const placed = isElement(child) ? placedBox(child) : undefined;
    const line = isElement(child) ? (placedLine(child) ?? placedDot(child)) : undefined;
    const rest = (placed ?? line)?.rest;
    const style = rest === undefined ? undefined : JSON.stringify([placed === undefined, ...rest]);
    const last = runs.at(-1);
    const alike = style !== undefined && last?.style === style;
    const run: Run =
      alike && last !== undefined
        ? last
        : { child: rest === undefined ? child : { tag: "path", attributes: rest, children: [] }, style, boxes: [], lines: [] };
    if (placed !== undefined) run.boxes.push(placed.box);
    if (line !== undefined) run.lines.push(line.d);
    if (run !== last) runs.push(run);
  }
  return runs.flatMap(({ child, boxes, lines }) => {
    if (!isElement(child) || child.tag !== "path") return [child];
    const visible = boxes.filter(({ width, height }) => width !== 0 || height !== 0);
    if (boxes.length > visible.length && visible.length === 0) return [];
    const d =
      visible.length > 0 ? boxesPath(visible) : shortPath(lines.length > 0 ? lines.join("") : (child.attributes.get("d") ?? ""));
    return [{ ...child, attributes: new Map([...child.attributes, ["d", d]]) }];
  });
}

/** A text at its place by coordinates rather than by a transform. */
function placedText(element: SvgElement): SvgElement {
  const { transform = "", ...others } = Object.fromEntries(element.attributes);
  const place = TRANSLATE.exec(transform);
  if (element.tag !== "text" || place === null) return element;
  return { ...element, attributes: new Map([...Object.entries(others), ["x", place[1] ?? "0"], ["y", place[2] ?? "0"]]) };
}

function compact(element: SvgElement): SvgElement {
  const children = element.children.flatMap((child): (SvgElement | string)[] => {
    if (!isElement(child)) return [child];
    if (isInvisible(child)) return [];
    const small = compact(child);
    if (small.tag === "g" && small.children.length === 0) return [];
    return small.tag === "g" && small.attributes.size === 0 ? small.children : [placedText(asCircle(small))];
  });
  return hoist({ ...stripped(element), children: drawPaths(children) });
}

/**
 * A drawn SVG for inlining into a page: what nobody sees is dropped, numbers are rounded to a tenth of a pixel, and what many
 * marks say alike is said once. The picture stays the same at a fraction of the bytes.
 */
export function compactSvg(svg: string): string {
  const font = / font-family="[^"]*"/.exec(svg)?.[0] ?? "";
  return writeSvg(compact(parseSvg(svg))).replace(/^<svg/, `<svg${font}`);
}

/** The same SVG with `prefix` before every id and every reference to one, so that several can stand on one page. */
export function prefixIds(svg: string, prefix: string): string {
  return svg.replace(/<[^<>]+>/g, (tag) =>
    tag
      .replace(/ id="([^"]*)"/g, ` id="${prefix}$1"`)
      .replace(/url\(#([^)"]*)\)/g, `url(#${prefix}$1)`)
      .replace(/ (xlink:)?href="#([^"]*)"/g, ` $1href="#${prefix}$2"`),
  );
}
