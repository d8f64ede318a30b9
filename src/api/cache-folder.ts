import { homedir } from "node:os";
import { join } from "node:path";

/** The folder of what can be computed or installed anew: `MIIII_CACHE`, or miiii's part of the user's cache folder. */
export function cacheFolder(): string {
  const given = (name: string) => (process.env[name] === "" ? undefined : process.env[name]);
  const own = given("MIIII_CACHE");
  if (own !== undefined) return own;
  const general =
    given("XDG_CACHE_HOME") ?? (process.platform === "win32" ? given("LOCALAPPDATA") : undefined) ?? join(homedir(), ".cache");
  return join(general, "miiii");
}
