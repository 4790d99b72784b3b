// Turns the generated ABIs (../abi) and addresses (../solidity) into typed constants, which TypeScript cannot read from JSON.
// Errors are left out: the node spells them (capstan_decodeError). One file per contract, so that a page loads what it uses.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const from = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const into = fileURLToPath(new URL('../src/generated/', import.meta.url));
const head = '// Made by scripts/abis.mjs from the repository. Never edited.\n';
mkdirSync(into, { recursive: true });

const write = (name, text) => {
  const path = `${into}${name}.ts`;
  let old = '';
  try {
    old = readFileSync(path, 'utf8');
  } catch {
    // It is new.
  }
  if (old !== head + text) writeFileSync(path, head + text);
};

for (const file of readdirSync(from('abi')).filter((file) => file.endsWith('.json'))) {
  const name = file.slice(0, -'.json'.length);
  const abi = JSON.parse(readFileSync(from(`abi/${file}`), 'utf8'));
  const kept = (type) => JSON.stringify(abi.filter((item) => item.type === type));
  write(
    name,
    `export const ${name}Abi = ${kept('function')} as const;\nexport const ${name}Events = ${kept('event')} as const;\n`,
  );
}

const solidity = readFileSync(from('solidity/CapstanAddresses.sol'), 'utf8');
const constants = [...solidity.matchAll(/address internal constant ([A-Z0-9_]+) = (0x[0-9a-fA-F]{40});/g)];
if (constants.length < 10) throw new Error('solidity/CapstanAddresses.sol names no addresses');
const camel = (name) => name.toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const rows = constants.map(([, name, address]) => `  ${camel(name)}: '${address}',`);
write('addresses', `export const addresses = {\n${rows.join('\n')}\n} as const;\n`);
