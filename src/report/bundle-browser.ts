import { fileURLToPath } from "node:url";

/** Bundles the page's own script: one classic script, the same text for the same sources. Needs esbuild, which a build has. */
export async function bundleBrowserCode(): Promise<string> {
  const { build } = await import("esbuild");
  const path = (name: string) => fileURLToPath(new URL(`browser/${name}`, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [path("main.ts")],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    alias: { "node:zlib": path("zlib.ts") },
  });
  return outputFiles[0]?.text ?? "";
}
