import { readFileSync } from "node:fs";

/** The folder of the package, whether run from `src` or from `dist`. */
export const PACKAGE_ROOT = new URL("../../", import.meta.url);

/** The package's version. */
export const VERSION = (JSON.parse(readFileSync(new URL("package.json", PACKAGE_ROOT), "utf8")) as { version: string }).version;
