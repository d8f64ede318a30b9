import PDFDocument from "pdfkit";
import { FONT_FACES, type FontFace, fontFile } from "./fonts.ts";
import { isElement, parseSvg, type SvgElement } from "./svg-tree.ts";

/** Points of a PDF for each pixel of a page. */
const POINTS = 0.75;

/** What a drawing says as `currentColor`, and what is behind it; hexadecimal. */
export interface PdfColors {
  readonly background: string;
  readonly color: string;
}

/** What elements take from those around them. */
interface Inherited {
  readonly fill: string;
  readonly stroke: string;
  readonly opacity: number;
}

/** A drawing on its way to a document. */
interface Drawing {
  readonly doc: PDFKit.PDFDocument;
  readonly colors: PdfColors;
  /** Gradients and clips by their ids. */
  readonly definitions: ReadonlyMap<string, SvgElement>;
}

const ESCAPES: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
const unescaped = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ESCAPES[entity] ?? entity);

const numberOf = (element: SvgElement, name: string, otherwise = 0) => Number(element.attributes.get(name) ?? otherwise);

const childrenOf = ({ children }: SvgElement) => children.filter(isElement);

function definitionsOf(root: SvgElement): Map<string, SvgElement> {
  const found = new Map<string, SvgElement>();
  const visit = (element: SvgElement): void => {
    const id = element.attributes.get("id");
    if (id !== undefined) found.set(id, element);
    for (const child of childrenOf(element)) visit(child);
  };
  visit(root);
  return found;
}

/** The element that `url(#id)` names. */
function referred(text: string | undefined, { definitions }: Drawing): SvgElement | undefined {
  const id = /^url\(["']?#(.*?)["']?\)$/.exec(text ?? "")?.[1];
  return id === undefined ? undefined : definitions.get(id);
}

/** A color as the document takes it; undefined for none. */
function colorOf(text: string, { colors }: Drawing): string | undefined {
  if (text === "none" || text === "transparent") return undefined;
  if (text === "currentColor") return colors.color;
  const rgb = /^rgb\((\d+), ?(\d+), ?(\d+)\)$/.exec(text)?.slice(1);
  return rgb === undefined ? text : `#${rgb.map((channel) => Number(channel).toString(16).padStart(2, "0")).join("")}`;
}

const BOX = /^M(-?[\d.]+),(-?[\d.]+)h(-?[\d.]+)v(-?[\d.]+)h-?[\d.]+Z$/;

/** The gradient of a box, whose ends its definition gives in shares of the box's sides; the first color for any other shape. */
function gradientOf(definition: SvgElement, d: string, drawing: Drawing) {
  const stops = childrenOf(definition);
  const color = (stop: SvgElement) => colorOf(stop.attributes.get("stop-color") ?? "none", drawing) ?? "white";
  const box = BOX.exec(d);
  if (box === null) return stops[0] === undefined ? undefined : color(stops[0]);
  const [x, y, width, height] = box.slice(1).map(Number) as [number, number, number, number];
  const end = (i: 1 | 2) =>
    [x + numberOf(definition, `x${i}`, i - 1) * width, y + numberOf(definition, `y${i}`) * height] as const;
  const gradient = drawing.doc.linearGradient(...end(1), ...end(2));
  for (const stop of stops) gradient.stop(numberOf(stop, "offset"), color(stop));
  return gradient;
}

/** Moves and turns as the element says: a list of `translate`, `rotate` and `scale`. */
function place(text: string, doc: PDFKit.PDFDocument): void {
  for (const [, name, values = ""] of text.matchAll(/(translate|rotate|scale)\(([^)]*)\)/g)) {
    const [a = 0, b] = values.split(/[ ,]+/).map(Number);
    if (name === "translate") doc.translate(a, b ?? 0);
    else if (name === "rotate") doc.rotate(a);
    else doc.scale(a, b ?? a);
  }
}

function inheritedBy({ attributes }: SvgElement, { fill, stroke, opacity }: Inherited): Inherited {
  return {
    fill: attributes.get("fill") ?? fill,
    stroke: attributes.get("stroke") ?? stroke,
    opacity: opacity * Number(attributes.get("opacity") ?? 1),
  };
}

/** The outline of an element as a path; undefined for what has none. */
function outlineOf(element: SvgElement): string | undefined {
  const of = (name: string) => numberOf(element, name);
  switch (element.tag) {
    case "path":
      return element.attributes.get("d") ?? "";
    case "line":
      return `M${of("x1")},${of("y1")}L${of("x2")},${of("y2")}`;
    case "rect":
      return `M${of("x")},${of("y")}h${of("width")}v${of("height")}h${-of("width")}Z`;
    default:
      return undefined;
  }
}

function drawOutline(d: string, element: SvgElement, look: Inherited, drawing: Drawing): void {
  const { doc } = drawing;
  const { attributes } = element;
  const gradient = referred(look.fill, drawing);
  const fill = gradient === undefined ? colorOf(look.fill, drawing) : gradientOf(gradient, d, drawing);
  const width = numberOf(element, "stroke-width", 1);
  const stroke = width > 0 ? colorOf(look.stroke, drawing) : undefined;
  if (d === "" || (fill === undefined && stroke === undefined)) return;
  const dash = (attributes.get("stroke-dasharray") ?? "").split(/[ ,]+/).map(Number);
  doc.path(d);
  if (stroke !== undefined) {
    doc.lineWidth(width).strokeColor(stroke, look.opacity * numberOf(element, "stroke-opacity", 1));
    // The document's own method knows dashes of two lengths.
    if (dash.some((length) => length > 0)) doc.addContent(`[${dash.join(" ")}] 0 d`);
  }
  if (fill !== undefined) doc.fillColor(fill, look.opacity * numberOf(element, "fill-opacity", 1));
  if (fill !== undefined && stroke !== undefined) doc.fillAndStroke();
  else if (fill !== undefined) doc.fill();
  else doc.stroke();
}

function faceOf({ attributes }: SvgElement): FontFace {
  const weight = attributes.get("font-weight") ?? "normal";
  const bold = weight === "bold" || Number(weight) >= 600;
  const oblique = attributes.get("font-style") === "italic";
  if (bold) return oblique ? "bold-oblique" : "bold";
  return oblique ? "oblique" : "regular";
}

function drawText(element: SvgElement, look: Inherited, drawing: Drawing): void {
  const { doc } = drawing;
  const fill = colorOf(look.fill, drawing);
  if (fill === undefined) return;
  const size = Number.parseFloat(element.attributes.get("font-size") ?? "11");
  doc.font(faceOf(element)).fontSize(size);
  doc.fillColor(fill, look.opacity * numberOf(element, "fill-opacity", 1));
  const anchor = { end: 1, middle: 0.5 }[element.attributes.get("text-anchor") ?? ""] ?? 0;
  let y = numberOf(element, "y");
  for (const part of element.children) {
    const text = unescaped(isElement(part) ? part.children.filter((child) => !isElement(child)).join("") : part);
    if (isElement(part)) y += numberOf(part, "dy");
    const x = numberOf(element, "x") - anchor * doc.widthOfString(text);
    if (text !== "") doc.text(text, x, y, { lineBreak: false, baseline: "alphabetic" });
  }
}

function drawImage(element: SvgElement, { opacity }: Inherited, { doc }: Drawing): void {
  const uri = element.attributes.get("href") ?? element.attributes.get("xlink:href") ?? "";
  const [, base64] = /^data:image\/png;base64,(.*)$/.exec(uri) ?? [];
  if (base64 === undefined) return;
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => numberOf(element, name)) as [
    number,
    number,
    number,
    number,
  ];
  doc.opacity(opacity).image(Buffer.from(base64, "base64"), x, y, { width, height });
}

function draw(element: SvgElement, outer: Inherited, drawing: Drawing): void {
  const { doc } = drawing;
  const { tag, attributes } = element;
  const look = inheritedBy(element, outer);
  if (tag === "defs" || look.opacity === 0 || attributes.get("display") === "none") return;
  doc.save();
  place(attributes.get("transform") ?? "", doc);
  const clip = referred(attributes.get("clip-path"), drawing);
  const edge = clip === undefined ? [] : childrenOf(clip).flatMap((child) => outlineOf(child) ?? []);
  if (edge.length > 0) doc.path(edge.join("")).clip();
  const outline = outlineOf(element);
  if (outline !== undefined) drawOutline(outline, element, look, drawing);
  else if (tag === "text") drawText(element, look, drawing);
  else if (tag === "image") drawImage(element, look, drawing);
  else for (const child of childrenOf(element)) draw(child, look, drawing);
  doc.restore();
}

/**
 * A drawing of Vega's as a PDF of one page: lines and text stay lines and text, in letters that the file brings with it; grids
 * are images of one pixel a cell. The same bytes for the same drawing.
 *
 * @param scale the page's size against the drawing's own, which is 3/4 point a pixel.
 */
export function svgPdf(svg: string, colors: PdfColors, scale: number, title: string): Promise<Uint8Array> {
  const root = parseSvg(svg);
  const [width, height] = [numberOf(root, "width"), numberOf(root, "height")];
  const zoom = POINTS * scale;
  const made = new Date(0);
  const doc = new PDFDocument({
    size: [width * zoom, height * zoom],
    margin: 0,
    font: fontFile("regular"),
    info: { Title: title, Creator: "miiii", Producer: "miiii", CreationDate: made },
  });
  const chunks: Buffer[] = [];
  const done = new Promise<Uint8Array>((resolve, reject) => {
    doc.on("data", (chunk: Buffer) => chunks.push(chunk));
    doc.on("end", () => resolve(Buffer.concat(chunks)));
    doc.on("error", reject);
  });
  // A date would be the clock's, and the file another one each time: the document needs one, the file is written without.
  Object.defineProperty(doc.info, "CreationDate", { value: made, enumerable: false });
  for (const face of FONT_FACES) doc.registerFont(face, fontFile(face));
  doc.rect(0, 0, width * zoom, height * zoom).fill(colors.background);
  doc.scale(zoom);
  draw(root, { fill: "black", stroke: "none", opacity: 1 }, { doc, colors, definitions: definitionsOf(root) });
  doc.end();
  return done;
}
