import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MiiiiError, messageOf } from "../core/index.ts";
import type { Bundles } from "./types.ts";

/** A classic script's text, safe inside a `<script>` element whatever its string literals hold. */
export function scriptText(source: string): string {
  return source
    .replace(/<\/(script)/gi, "<\\/$1")
    .replace(/<!--/g, "<\\!--")
    .replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}

function bundle(name: string): string {
  try {
    // The packages' exports name no build files: the entry is resolved, and the bundle stands in the folder beside it.
    const entry = fileURLToPath(import.meta.resolve(name));
    return scriptText(readFileSync(join(dirname(entry), "..", "build", `${name}.min.js`), "utf8"));
  } catch (error) {
    throw new MiiiiError("io", `report: the script of ${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The scripts of vega, vega-lite and vega-embed as installed. */
export function loadBundles(): Bundles {
  return { vega: bundle("vega"), vegaLite: bundle("vega-lite"), vegaEmbed: bundle("vega-embed") };
}
