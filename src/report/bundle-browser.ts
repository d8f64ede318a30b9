import { fileURLToPath } from "node:url";

/**
 * Bundles a page's own script, `browser/main.ts` in `folder`: one classic script, the same text for the same sources. Needs
 * esbuild, which a build has.
 */
export async function bundleBrowserCode(folder: URL): Promise<string> {
  const { build } = await import("esbuild");
  const path = (name: string, base: URL | string) => fileURLToPath(new URL(`browser/${name}`, base));
  const { outputFiles } = await build({
    entryPoints: [path("main.ts", folder)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    alias: { "node:zlib": path("zlib.ts", import.meta.url) },
  });
  return outputFiles[0]?.text ?? "";
}
