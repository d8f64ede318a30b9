// Node 20's threads know no TypeScript until told.
import { register } from "tsx/esm/api";

register();
await import("../../src/api/analysis-worker.ts");
