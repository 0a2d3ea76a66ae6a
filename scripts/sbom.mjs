// npm run sbom [-- FILE]: the bill of materials of production (CycloneDX), by npm's own command, into sbom.cdx.json unless told otherwise.
// npm is asked for everything, and the rest is taken out here: its `--omit dev` also omits what production shares with development.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { root } from './generated-files.mjs';

const readJson = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));

function everything() {
  const parameters = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
  const { status, stdout, stderr, error } = spawnSync('npm', parameters, {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`npm sbom failed: ${error?.message ?? stderr}`);
  return JSON.parse(stdout);
}

/** `name@version` of every dependency of production, the optional ones for other platforms included. */
function productionRefs() {
  const entries = Object.entries(readJson('package-lock.json').packages).filter(
    ([path, { dev, link }]) => path !== '' && dev !== true && link !== true,
  );
  return new Set(entries.map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`));
}

function productionOnly(bom, refs) {
  const { name } = readJson('package.json');
  const isKept = (ref) => refs.has(ref) || ref === bom.metadata.component['bom-ref'];
  const isAboutProduction = (property) => property.name !== 'cdx:npm:package:development';
  return {
    ...bom,
    // npm names the root after its folder.
    metadata: { ...bom.metadata, component: { ...bom.metadata.component, name } },
    components: bom.components
      .filter((component) => refs.has(component['bom-ref']))
      .map((component) => ({ ...component, properties: component.properties.filter(isAboutProduction) })),
    dependencies: bom.dependencies
      .filter(({ ref }) => isKept(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => isKept(other)) })),
  };
}

const file = process.argv[2] ?? 'sbom.cdx.json';
const bom = productionOnly(everything(), productionRefs());
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
console.log(`${file}: ${bom.components.length} components`);
