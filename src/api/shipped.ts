import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isRunDirectory } from "../checkpoint/index.ts";
import { PACKAGE_ROOT } from "./version.ts";

const FIXTURES = fileURLToPath(new URL("fixtures/", PACKAGE_ROOT));

/** The runs that come with the package, by name. */
export function shippedRuns(): string[] {
  try {
    return readdirSync(FIXTURES)
      .filter((name) => isRunDirectory(join(FIXTURES, name)))
      .sort();
  } catch {
    return [];
  }
}

/** The folder of a shipped run. */
export function shippedPath(name: string): string {
  return join(FIXTURES, name);
}

/** Whether this is a checkout, which has every shipped run; an installed package has some of them. */
export function isCheckout(): boolean {
  return existsSync(new URL("src/", PACKAGE_ROOT));
}
