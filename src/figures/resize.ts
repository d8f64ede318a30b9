import { titleRoom, wrapText } from "./panel.ts";
import { legendColumns } from "./run-encoding.ts";
import type { Layer, Panel } from "./view.ts";
import { isTree, type Tree } from "./walk.ts";

const joined = (text: unknown) => (Array.isArray(text) ? text.join(" ") : text);

/** A view's title broken into lines that fit, to be spread into it. */
export function titled(title: unknown, width: number): Tree {
  if (!isTree(title)) return {};
  const rewrapped = (text: unknown, room: number) => (typeof text === "string" ? wrapText(text, room) : text);
  const { heading, below } = titleRoom(width);
  const subtitle = title.subtitle === undefined ? {} : { subtitle: rewrapped(joined(title.subtitle), below) };
  return { title: { ...title, text: rewrapped(joined(title.text), heading), ...subtitle } };
}

/** A layer whose legends above the panel have as many columns as fit. */
function relegended(layer: Layer, width: number): Layer {
  const encoding: unknown = "encoding" in layer ? layer.encoding : undefined;
  if (!isTree(encoding)) return layer;
  const channels = Object.entries(encoding).map(([name, channel]) => {
    if (!isTree(channel) || !isTree(channel.legend) || channel.legend.columns === undefined) return [name, channel] as const;
    const domain = isTree(channel.scale) && Array.isArray(channel.scale.domain) ? channel.scale.domain.map(String) : [];
    return [name, { ...channel, legend: { ...channel.legend, columns: legendColumns(domain, width) } }] as const;
  });
  return { ...layer, encoding: Object.fromEntries(channels) } as Layer;
}

/** A panel at another width, its title broken and its legend arranged for it. */
export function resized(panel: Panel, width: number, more: { readonly height?: number } = {}): Panel {
  const layers = "layer" in panel ? { layer: panel.layer.map((layer) => relegended(layer, width)) } : {};
  return { ...panel, width: Math.round(width), ...more, ...titled(panel.title, width), ...layers } as Panel;
}
