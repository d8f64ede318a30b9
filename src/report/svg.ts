import { isElement, parseSvg, type SvgElement, writeSvg } from "./svg-tree.ts";

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
const LONG_NUMBER = /-?\d*\.\d{3,}(?:e-?\d+)?|-?\d+(?:\.\d+)?e-\d+/g;

const rounded = (text: string) => text.replace(LONG_NUMBER, (number) => String(Number(Number(number).toFixed(2))));

/** Backgrounds and foregrounds that draw nothing. */
function isInvisible({ tag, attributes, children }: SvgElement): boolean {
  if (tag === "g") return children.length === 0;
  if (attributes.get("display") === "none") return true;
  if (tag !== "path") return false;
  const area = /^(?:background|foreground)$/.test(attributes.get("class") ?? "");
  return attributes.get("d") === "" || (area && !attributes.has("fill") && !attributes.has("stroke"));
}

function stripped({ tag, attributes, children }: SvgElement): SvgElement {
  const kept = [...attributes].filter(([name, value]) => {
    const nothing = (name === "opacity" && value === "1") || (name === "transform" && value === "translate(0,0)");
    return !nothing && !DROPPED.test(name);
  });
  return { tag, attributes: new Map(kept.map(([name, value]) => [name, GEOMETRY.has(name) ? rounded(value) : value])), children };
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
const BOX = /^M(-?[\d.]+),(-?[\d.]+)((?:[hv]-?[\d.]+)+)Z$/;

/** A box's path at its place, and how it is drawn; undefined for anything else, and where overlaps would show. */
function placedBox({ tag, attributes }: SvgElement): { readonly d: string; readonly rest: Map<string, string> } | undefined {
  const { d, transform = "translate(0,0)", ...others } = Object.fromEntries(attributes);
  const [place, box] = [TRANSLATE.exec(transform), BOX.exec(d ?? "")];
  const drawn = Object.keys(others);
  if (tag !== "path" || place === null || box === null || drawn.some((name) => name.includes("opacity"))) return undefined;
  const [x, y] = [1, 2].map((i) => String(Number((Number(place[i]) + Number(box[i])).toFixed(2))));
  return { d: `M${x},${y}${box[3]}Z`, rest: new Map(Object.entries(others)) };
}

/** Boxes in a row that are drawn alike, such as the squares of a Hinton diagram, as one path. */
function mergeBoxes(children: readonly (SvgElement | string)[]): (SvgElement | string)[] {
  const out: (SvgElement | string)[] = [];
  let style: string | undefined;
  for (const child of children) {
    const box = isElement(child) ? placedBox(child) : undefined;
    const last = out.at(-1);
    const key = box === undefined ? undefined : JSON.stringify([...box.rest]);
    if (box !== undefined && key === style && last !== undefined && isElement(last)) {
      last.attributes.set("d", `${last.attributes.get("d") ?? ""}${box.d}`);
    } else {
      out.push(box === undefined ? child : { tag: "path", attributes: new Map([...box.rest, ["d", box.d]]), children: [] });
    }
    style = key;
  }
  return out;
}

function compact(element: SvgElement): SvgElement {
  const children = element.children.flatMap((child): (SvgElement | string)[] => {
    if (!isElement(child)) return [child];
    if (isInvisible(child)) return [];
    const small = compact(child);
    if (small.tag === "g" && small.children.length === 0) return [];
    return small.tag === "g" && small.attributes.size === 0 ? small.children : [small];
  });
  const group = hoist(stripped({ ...element, children }));
  return { ...group, children: mergeBoxes(group.children) };
}

/**
 * A drawn SVG for inlining into a page: what nobody sees is dropped, numbers are rounded to a hundredth of a pixel, and what many
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

/** The images that an SVG holds as data, in order; the same one once. */
export function imagesOf(svg: string): string[] {
  return [...new Set([...svg.matchAll(/ (?:xlink:)?href="(data:[^"]*)"/g)].map(([, uri]) => uri ?? ""))];
}
