// Before the packages' own install scripts run: keeps onnxruntime-node's from fetching some 300 MB of CUDA libraries, which miiii never
// loads and which many networks do not reach (the install then fails). That script fetches nothing where the files are there, so notes in
// their place say what they are. `npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12` replaces them by the real ones.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const NOTE =
  "Not installed: miiii computes without CUDA libraries. npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12 fetches them.\n";

try {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve("onnxruntime-node/package.json"));
  const { requirements, manifests } = require(join(root, "script/install-metadata.js"));
  const platform = `${process.platform}/${process.arch}`;
  const asked = process.env.ONNXRUNTIME_NODE_INSTALL ?? process.env.npm_config_onnxruntime_node_install;
  for (const name of asked === undefined ? (requirements[platform] ?? []) : []) {
    for (const file of Object.keys(manifests[`${platform}:${name}`] ?? {})) {
      const path = join(root, "bin/napi-v6", platform, file);
      mkdirSync(dirname(path), { recursive: true });
      if (!existsSync(path)) writeFileSync(path, NOTE);
    }
  }
} catch {
  // Another layout than that of the version this package pins: its own script decides.
}
