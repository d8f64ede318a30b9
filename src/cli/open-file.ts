import { spawn } from "node:child_process";
import { resolve } from "node:path";

/** The command that opens a file with the program that the system has for it. */
function opener(): readonly string[] {
  switch (process.platform) {
    case "darwin":
      return ["open"];
    case "win32":
      return ["cmd", "/c", "start", ""];
    default:
      return ["xdg-open"];
  }
}

/** Opens a file in the user's browser, which stays when this process ends; calls `onFailure` where there is none to open it. */
export function openFile(path: string, onFailure: (reason: string) => void): void {
  const [command = "", ...args] = opener();
  const child = spawn(command, [...args, resolve(path)], { detached: true, stdio: "ignore" });
  child.on("error", (error) => onFailure(`${command}: ${error.message}`));
  child.unref();
}
