import { spawn } from "node:child_process";

/** Why a browser cannot be opened here: there is no screen; undefined where it can. */
export function withoutDisplay(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string | undefined {
  if (env.SSH_CONNECTION !== undefined && platform !== "linux") return "this is a remote session";
  const screen = platform !== "linux" || [env.DISPLAY, env.WAYLAND_DISPLAY].some((value) => value !== undefined && value !== "");
  return screen ? undefined : "there is no display";
}

/** What opens an address in the user's browser: a program and its first arguments. */
function opener(platform: NodeJS.Platform): readonly [string, ...string[]] {
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return ["xdg-open"];
}

/**
 * Asks the system to open an address; what comes of it is not waited for. `onFailure` is called where no program does that here.
 */
export function openBrowser(address: string, onFailure: (reason: string) => void): void {
  const [program, ...args] = opener(process.platform);
  const child = spawn(program, [...args, address], { stdio: "ignore", detached: true });
  child.on("error", (error) => onFailure(error.message));
  child.unref();
}
