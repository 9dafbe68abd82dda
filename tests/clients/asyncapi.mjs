// Validates an AsyncAPI file: node asyncapi.mjs FILE. Prints every diagnostic; status 1 on an error or a warning.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const WARNING = 1; // 0 error, 1 warning, 2 information, 3 hint
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
for (const { severity, code, message, path } of diagnostics) console.log(severity, code, path.join("."), message);
process.exit(document && diagnostics.every(({ severity }) => severity > WARNING) ? 0 : 1);
