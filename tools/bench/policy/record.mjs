/**
 * Records the traces anew, with valgrind's tool lackey, which tells each load, store and instruction of a program:
 *
 *     npm run bench:policy:record                   all of them; some minutes each
 *     npm run bench:policy:record sort ld           these
 *     npm run bench:policy:record -- --facts        none: writes anew what traces/README.md says of them
 *
 * What is recorded depends on the versions of the programs, so the counts that `npm run bench:policy` compares with change with it:
 * `npm run bench:policy -- --pin` writes them down.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { LackeyReader } from './lackey.mjs';
import { Reducer } from './reduce.mjs';
import { encodeTrace, numberPages, readTraces, SUFFIX, TRACES } from './trace.mjs';

/**
 * A program, and how it is run.
 *
 * @typedef {object} Recipe
 * @property {string} what the program in a few words
 * @property {readonly string[]} command in a folder of its own, which has what `prepare` put there
 * @property {readonly string[]} version prints the program's version
 * @property {number} depth of the reduction; no memory of fewer pages can be simulated
 * @property {(folder: string) => void} [prepare]
 */

const program = (/** @type {string} */ name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** @type {Readonly<Record<string, Recipe>>} */
const RECIPES = {
  sort: {
    what: 'sort of 20,000 lines',
    command: ['sort', '--parallel=1', 'lines.txt', '-o', 'sorted.txt'],
    version: ['sort', '--version'],
    depth: 48,
    prepare: (folder) => writeText(folder, 'lines.txt', 20_000, 5),
  },
  cc1: {
    what: 'the C compiler proper, on a program of 20 lines',
    command: [captured('gcc', '-print-prog-name=cc1'), '-quiet', '-O1', '-fpreprocessed', 'matrix.i', '-o', 'matrix.s'],
    version: ['gcc', '--version'],
    depth: 380,
    prepare: (folder) => captured('gcc', '-E', '-P', program('matrix.c'), '-o', join(folder, 'matrix.i')),
  },
  ld: {
    what: 'the linker, on a static program',
    command: [captured('gcc', '-print-prog-name=ld'), ...linkArguments('matrix.o'), '-o', 'matrix'],
    version: [captured('gcc', '-print-prog-name=ld'), '--version'],
    depth: 560,
    prepare: (folder) => captured('gcc', '-c', program('matrix.c'), '-o', join(folder, 'matrix.o')),
  },
  python: {
    what: 'a Python script that counts words and pairs of words',
    command: ['/usr/bin/python3', program('words.py'), 'lines.txt'],
    version: ['/usr/bin/python3', '--version'],
    depth: 320,
    prepare: (folder) => writeText(folder, 'lines.txt', 500, 8),
  },
  sqlite: {
    what: 'SQLite: tables, an index, a join, updates and deletions, in memory',
    command: ['sqlite3', ':memory:', `.read ${program('orders.sql')}`],
    version: ['sqlite3', '--version'],
    depth: 80,
  },
  matrix: {
    what: 'a C program that multiplies two matrices of 320 × 320, row by row',
    command: ['./matrix'],
    version: ['gcc', '--version'],
    depth: 56,
    prepare: (folder) => captured('gcc', '-O1', '-o', join(folder, 'matrix'), program('matrix.c')),
  },
};

/** How gcc has a static program linked, without what the compiler adds for itself. */
function linkArguments(/** @type {string} */ object) {
  const part = (/** @type {string} */ name) => captured('gcc', `-print-file-name=${name}`);
  const libraries = ['--start-group', part('libgcc.a'), part('libgcc_eh.a'), part('libc.a'), '--end-group'];
  return ['-static', part('crt1.o'), part('crti.o'), part('crtbeginT.o'), object, ...libraries, part('crtend.o'), part('crtn.o')];
}

/** @param {string} name @param {Recipe} recipe */
async function record(name, recipe) {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-trace-'));
  try {
    recipe.prepare?.(folder);
    const reducer = new Reducer(recipe.depth);
    await trace(recipe.command, folder, reducer);
    const { references, pages } = numberPages(reducer.finish());
    const file = encodeTrace(
      {
        what: recipe.what,
        command: recipe.command.map((word) => word.replace(fileURLToPath(new URL('../../..', import.meta.url)), '')).join(' '),
        version:
          captured(...recipe.version)
            .split('\n', 1)[0]
            ?.replace(/,? 20\d\d.*/, '') ?? '',
        recorded: new Date().toISOString().slice(0, 10),
        accesses: reducer.references,
        depth: recipe.depth,
        length: references.length,
        pages,
      },
      references,
    );
    writeFileSync(join(TRACES, `${name}${SUFFIX}`), file);
    console.log(
      `${name}: ${reducer.references} accesses, ${references.length} references to ${pages} pages, ${file.length} bytes`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Runs a program under lackey.
 *
 * @param {readonly string[]} command @param {string} folder @param {Reducer} reducer
 */
async function trace(command, folder, reducer) {
  const child = spawn('valgrind', ['--tool=lackey', '--trace-mem=yes', '--log-fd=3', ...command], {
    cwd: folder,
    env: { ...process.env, LC_ALL: 'C', PYTHONHASHSEED: '0' },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const reader = new LackeyReader(reducer);
  const ended = new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  const output = child.stdio[3];
  if (output === null || output === undefined || !('read' in output)) throw new Error('there is no way to what valgrind prints');
  for await (const chunk of output) reader.read(chunk);
  const status = await ended;
  if (status !== 0) throw new Error(`${command.join(' ')} under valgrind ended with status ${status}`);
}

/** A text of so many lines of so many words, the same each time; short words are frequent. */
function writeText(
  /** @type {string} */ folder,
  /** @type {string} */ name,
  /** @type {number} */ lines,
  /** @type {number} */ words,
) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  const word = () => Math.floor(20_000 ** random() * 36).toString(36);
  const line = () => Array.from({ length: words }, word).join(' ');
  writeFileSync(join(folder, name), `${Array.from({ length: lines }, line).join('\n')}\n`);
}

/** Writes what is known about the traces into the page beside them. */
function tellFacts() {
  const facts = readTraces().map(({ name, facts }) => {
    const { what, command, version, recorded, accesses, depth, length, pages } = facts;
    const count = (/** @type {number} */ value) => value.toLocaleString('en');
    const sizes = `${count(accesses)} accesses, ${count(length)} references to ${count(pages)} pages are left; depth ${depth}`;
    return `- **${name}**, ${what}. ${version}, ${recorded}: ${sizes}.\n  \`${command}\``;
  });
  const page = join(TRACES, 'README.md');
  const text = readFileSync(page, 'utf8');
  writeFileSync(page, text.replace(/(<!-- facts[^>]*-->\n)[\s\S]*?(<!-- \/facts -->)/, `$1\n${facts.join('\n')}\n\n$2`));
}

/** What a command prints. @param {string[]} command */
function captured(...command) {
  const [file = '', ...rest] = command;
  const { status, stdout, stderr, error } = spawnSync(file, rest, { encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(`${file} cannot be run (on Debian: apt-get install valgrind gcc sqlite3): ${error.message}`);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with status ${status}:\n${stderr}`);
  return (stdout || stderr).trim();
}

const wanted = argv.slice(2);
const unknown = wanted.filter((name) => RECIPES[name] === undefined && name !== '--facts');
if (unknown.length > 0)
  throw new Error(`there is no recipe for ${unknown.join(', ')}; there are ${Object.keys(RECIPES).join(', ')}`);
mkdirSync(TRACES, { recursive: true });
for (const name of wanted.length > 0 ? wanted : Object.keys(RECIPES)) {
  const recipe = RECIPES[name];
  if (recipe !== undefined) await record(name, recipe);
}
tellFacts();
