// Builds the web UI: icon sprite, hashed bundles, manifest.json, licenses.txt.
// `node build.mjs` once, `--watch` again on every change, `--dev` with source maps.
import * as esbuild from 'esbuild';
import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const out = process.env.TOCSIN_UI_OUT ?? path.resolve('../src/tocsin/web/static');
const watching = process.argv.includes('--watch');
const dev = watching || process.argv.includes('--dev');
const KEPT_MS = 10 * 60_000;
const budgets_gz_bytes = { '.js': 25_000, '.css': 12_000 };

/** Write a file, text or bytes, under a name that carries its hash, as esbuild does for bundles. */
async function writeHashed(name, text) {
  const { name: stem, ext } = path.parse(name);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();
  await writeFile(path.join(out, `${stem}-${hash}${ext}`), text);
  return `${stem}-${hash}${ext}`;
}

/** Only the icons that icons.txt names, as one sprite. */
async function sprite() {
  const lines = (await readFile('icons.txt', 'utf8')).split('\n').filter((line) => !line.startsWith('#'));
  const set = JSON.parse(await readFile('node_modules/@iconify-json/lucide/icons.json', 'utf8'));
  const symbols = lines.join(' ').split(/\s+/).filter(Boolean).map((name) => {
    const icon = set.icons[name] ?? set.icons[set.aliases?.[name]?.parent];
    if (!icon) throw new Error(`icons.txt: no icon '${name}' in the lucide set`);
    return `<symbol id="${name}" viewBox="0 0 24 24">${icon.body}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>\n`;
}

/** The licence texts of everything that ships; a package without one fails the build. */
async function notices(inputs) {
  const used = new Set(['@iconify-json/lucide']);
  for (const input of inputs) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
    if (found) used.add(found[1]);
  }
  const texts = await Promise.all([...used].sort().map(async (name) => {
    const dir = path.join('node_modules', name);
    const { version, license } = JSON.parse(await readFile(path.join(dir, 'package.json'), 'utf8'));
    // the icon package carries no licence text, so the project keeps it
    const kept = name === '@iconify-json/lucide' ? 'licenses/lucide.txt' : null;
    const own = (await readdir(dir)).find((file) => /^(licen[cs]e|copying)/i.test(file));
    if (!own && !kept) throw new Error(`no licence text in ${name}`);
    const text = await readFile(own ? path.join(dir, own) : kept, 'utf8');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  }));
  return texts.join(`\n${'-'.repeat(72)}\n\n`);
}

/** esbuild's outputs by the name of their source, and their size on the wire. */
async function describe(outputs) {
  const entries = {};
  const gz_bytes = {};
  for (const [file, meta] of Object.entries(outputs)) {
    const name = path.relative(out, path.resolve(file));
    if (name.includes('inter-latin-wght-normal')) entries.font = name;
    if (meta.entryPoint) entries[path.basename(meta.entryPoint)] = name;
    if (/\.(js|css)$/.test(name)) gz_bytes[name] = gzipSync(await readFile(file)).length;
  }
  return { entries, gz_bytes };
}

function holdBudgets(gz_bytes) {
  for (const [extension, most] of Object.entries(budgets_gz_bytes)) {
    const total = Object.entries(gz_bytes).reduce((sum, [name, size]) => sum + (name.endsWith(extension) ? size : 0), 0);
    if (total > most) throw new Error(`${extension} is ${total} bytes gzipped, more than ${most}`);
  }
}

/** Files of older builds go once no server that was started on them is likely to need them. */
async function sweep(fresh) {
  for (const name of await readdir(out)) {
    const file = path.join(out, name);
    if (!fresh.has(name) && Date.now() - (await stat(file)).mtimeMs > KEPT_MS) await rm(file, { recursive: true, force: true });
  }
}

async function build() {
  await mkdir(out, { recursive: true });
  const shared = {
    outdir: out, bundle: true, minify: !dev, sourcemap: dev, metafile: true, legalComments: 'none', logLevel: 'warning',
    target: ['es2022', 'chrome123', 'firefox121', 'safari17.5'], entryNames: '[name]-[hash]', assetNames: '[name]-[hash]', loader: { '.woff2': 'file' },
  };
  const page = await esbuild.build({ ...shared, format: 'esm', entryPoints: ['src/app.ts', 'src/app.css'] });
  // runs before the first paint, so it cannot be a module
  const theme = await esbuild.build({ ...shared, format: 'iife', entryPoints: ['src/theme.ts', 'src/sw.ts'] });
  const outputs = { ...page.metafile.outputs, ...theme.metafile.outputs };
  const { entries, gz_bytes } = await describe(outputs);
  if (!dev) holdBudgets(gz_bytes);
  entries['icons.svg'] = await writeHashed('icons.svg', await sprite());
  entries['favicon.svg'] = await writeHashed('favicon.svg', await readFile('src/favicon.svg', 'utf8'));
  for (const name of await readdir('src/icons')) entries[name] = await writeHashed(name, await readFile(path.join('src/icons', name)));
  await writeFile(path.join(out, 'licenses.txt'), await notices(Object.keys({ ...page.metafile.inputs, ...theme.metafile.inputs })));
  // last and at once: whoever reads it finds every file that it names
  await writeFile(path.join(out, 'manifest.json.new'), `${JSON.stringify({ entries, gz_bytes }, null, 2)}\n`);
  await rename(path.join(out, 'manifest.json.new'), path.join(out, 'manifest.json'));
  await sweep(new Set([...Object.keys(outputs).map((file) => path.basename(file)), ...Object.values(entries), 'licenses.txt', 'manifest.json']));
}

await build();
if (watching) {
  let timer;
  const again = () => { clearTimeout(timer); timer = setTimeout(() => build().catch((error) => console.error(error.message)), 100); };
  watch('src', { recursive: true }, again);
  watch('icons.txt', again);
}
