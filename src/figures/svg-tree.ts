/** An element of an SVG; attribute values and texts as they are written, escapes included. */
export interface SvgElement {
  readonly tag: string;
  readonly attributes: Map<string, string>;
  readonly children: (SvgElement | string)[];
}

/** The elements of well-formed SVG text without comments, as Vega writes it. */
export function parseSvg(svg: string): SvgElement {
  const root: SvgElement = { tag: "", attributes: new Map(), children: [] };
  const open = [root];
  const token = /<(\/?)([\w:-]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>|([^<]+)/g;
  for (const [, closing, tag, attributes, empty, text] of svg.matchAll(token)) {
    const parent = open.at(-1) ?? root;
    if (text !== undefined) parent.children.push(text);
    else if (closing === "/") open.pop();
    else {
      const pairs = [...(attributes ?? "").matchAll(/([\w:-]+)="([^"]*)"/g)].map(
        ([, name, value]) => [name ?? "", value ?? ""] as const,
      );
      const element: SvgElement = { tag: tag ?? "", attributes: new Map(pairs), children: [] };
      parent.children.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  const [first] = root.children;
  return first === undefined || typeof first === "string" ? root : first;
}

/** An element as text. */
export function writeSvg(node: SvgElement | string): string {
  if (typeof node === "string") return node;
  const attributes = [...node.attributes].map(([name, value]) => ` ${name}="${value}"`).join("");
  if (node.children.length === 0) return `<${node.tag}${attributes}/>`;
  return `<${node.tag}${attributes}>${node.children.map(writeSvg).join("")}</${node.tag}>`;
}

/** Whether a child is an element. */
export function isElement(node: SvgElement | string): node is SvgElement {
  return typeof node !== "string";
}
