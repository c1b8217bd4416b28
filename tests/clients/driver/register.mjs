// Lets the driver's files, and README's examples, import the packages of one generation (CLIENT) by their own names
// from where they are installed (PACKAGES), and be written in JSX. Packages find each other as everywhere.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const ours = new URL("../", import.meta.url).href;
const installed = pathToFileURL(`${process.env.PACKAGES}/${process.env.CLIENT}/package.json`).href;
const isBare = (specifier) => !/^(\.|\/|[a-z]+:)/.test(specifier);
let esbuild;

registerHooks({
  resolve(specifier, context, next) {
    const parent = context.parentURL ?? "";
    const isOurs = parent.startsWith(ours) && !parent.includes("/node_modules/");
    return next(specifier, isOurs && isBare(specifier) ? { ...context, parentURL: installed } : context);
  },
  load(url, context, next) {
    if (!url.endsWith(".jsx")) return next(url, context);
    const options = { loader: "jsx", jsx: "automatic", format: "esm" };
    const { code } = esbuild.transformSync(readFileSync(fileURLToPath(url), "utf8"), options);
    return { format: "module", source: code, shortCircuit: true };
  },
});

esbuild = await import("esbuild");
