// Writes ui/vendor/hashes.json from what lies there: run it after taking a new
// version, and read the difference before keeping it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const vendor = new URL('../../ui/vendor/', import.meta.url).pathname;
const packages = [
  { name: '@fluent/bundle', version: '0.19.1', license: 'Apache-2.0', folder: 'fluent-bundle' },
  { name: '@tauri-apps/api', version: '2.12.5', license: 'Apache-2.0 OR MIT', folder: 'tauri-api' },
];
for (const entry of packages) {
  const root = `${vendor}${entry.folder}`;
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const names = files.map((file) => `${file.parentPath ?? file.path}/${file.name}`.slice(root.length + 1)).sort();
  entry.files = Object.fromEntries(names.map((name) => [name, createHash('sha256').update(readFileSync(`${root}/${name}`)).digest('hex')]));
}
writeFileSync(`${vendor}hashes.json`, `${JSON.stringify({ packages }, null, 2)}\n`);
