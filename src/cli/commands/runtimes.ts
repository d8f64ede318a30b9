import type { Argv } from "yargs";
import type { GlobalOptions } from "../command.ts";
export const options = (y: Argv<GlobalOptions>) => y;
export async function run(): Promise<void> {}
