import { existsSync, readFileSync } from "node:fs";
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

function vegaBundle(name: string): string {
  try {
    // The packages' exports name no build files: the entry is resolved, and the bundle stands in the folder beside it.
    const entry = fileURLToPath(import.meta.resolve(name));
    const folder = join(dirname(entry), "..");
    // Its licence (BSD-3) asks for its notice wherever the code goes.
    const notice = `/*! ${name}\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n*/\n`;
    return scriptText(notice + readFileSync(join(folder, "build", `${name}.min.js`), "utf8"));
  } catch (error) {
    throw new MiiiiError("io", `report: the script of ${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Where the build puts a page's own script, in the folder of the module that makes the page. */
export const PAGE_BUNDLE = "browser-bundle.js";

/** A page's own script: from the build, or of a copy that runs from its sources, bundled on the spot. */
async function pageBundle(folder: URL): Promise<string> {
  const built = fileURLToPath(new URL(PAGE_BUNDLE, folder));
  if (existsSync(built)) return scriptText(readFileSync(built, "utf8"));
  const { bundleBrowserCode } = await import("./bundle-browser.ts");
  return scriptText(await bundleBrowserCode(folder));
}

/**
 * The scripts of vega, vega-lite and vega-embed as installed, and the page's own.
 *
 * @param folder - of the page's module, with its own code in `browser/`; the report's where left out.
 */
export async function loadBundles(folder: URL = new URL("./", import.meta.url)): Promise<Bundles> {
  return {
    vega: vegaBundle("vega"),
    vegaLite: vegaBundle("vega-lite"),
    vegaEmbed: vegaBundle("vega-embed"),
    page: await pageBundle(folder),
  };
}
