import type { Statement } from "./lazy.ts";

/** A bare word of YAML, TOML, INI, Python or a command line as the plain value that it stands for. */
export function plainValue(text: string): Statement["value"] {
  const bare = text.replace(/^(["'])(.*)\1$/s, "$2");
  if (bare !== text) return bare;
  if (/^(?:true|yes|on)$/i.test(text)) return true;
  if (/^(?:false|no|off)$/i.test(text)) return false;
  if (/^(?:null|none|~)$/i.test(text)) return null;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}
