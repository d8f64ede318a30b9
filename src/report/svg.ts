// Vega writes these for screen readers and for events; a static figure has one text alternative and no events.
const DROPPED = / (?:aria-[a-z]+|role|pointer-events|version|xmlns:xlink)="[^"]*"| opacity="1"/g;
const INVISIBLE = /<path class="(?:background|foreground)"[^<>]*(?:d=""|d="M0,0h0v0h0Z"|display="none")[^<>]*\/>/g;
const NUMBER = /-?\d*\.\d{3,}(?:e-?\d+)?/g;

function onTags(svg: string, change: (tag: string) => string): string {
  return svg.replace(/<[^<>]+>/g, change);
}

/**
 * A drawn SVG for inlining into a page: what nobody sees is dropped, numbers are rounded to a hundredth of a pixel, the font is
 * named once, at the root. The picture stays the same at about half the bytes.
 */
export function compactSvg(svg: string): string {
  const font = / font-family="[^"]*"/.exec(svg)?.[0] ?? "";
  const rounded = (tag: string) =>
    tag.replace(/ (?:d|transform|x|y|x1|x2|y1|y2|width|height)="[^"]*"/g, (attribute) =>
      attribute.replace(NUMBER, (n) => String(Number(Number(n).toFixed(2)))),
    );
  const compact = onTags(svg.replace(INVISIBLE, ""), (tag) => rounded(tag.replace(DROPPED, "").replaceAll(font || "\u0000", "")));
  return compact.replace(/^<svg/, `<svg${font}`);
}

/** The same SVG with `prefix` before every id and every reference to one, so that several can stand on one page. */
export function prefixIds(svg: string, prefix: string): string {
  return onTags(svg, (tag) =>
    tag
      .replace(/ id="([^"]*)"/g, ` id="${prefix}$1"`)
      .replace(/url\(#([^)"]*)\)/g, `url(#${prefix}$1)`)
      .replace(/ (xlink:)?href="#([^"]*)"/g, ` $1href="#${prefix}$2"`),
  );
}
