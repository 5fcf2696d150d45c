/**
 * `npm run docs:catalogue`: writes docs/catalogue.md out of the catalogue, and of what finds its entries.
 *
 * All that is in it is the same each time: schedules and programs are counted, seconds are not.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CATALOGUE, defectsOf, findingsOf, isFinding, shownBy } from '@faultline/catalogue';
import { sample } from '@faultline/explorer';
import { formatSyz } from '@faultline/formats';
import { fuzzSyz, programModel } from '@faultline/program';

/** @typedef {import('@faultline/catalogue').CatalogueEntry} CatalogueEntry */

/** Where the page is. */
export const PAGE = fileURLToPath(new URL('../docs/catalogue.md', import.meta.url));

/** How often each entry is looked for, each time from another seed, and how many schedules it may take. */
const SEARCHES = 21;
const SCHEDULES = 2000;
/** Random programs that are tried for an entry, and the machine they run on. */
const PROGRAMS = 5000;
const MACHINE = /** @type {const} */ ({ ramPages: 64, counterWidth: 16 });

/** How a finding is called. */
const KINDS = {
  panic: 'the kernel panics',
  invariant: 'an invariant is broken',
  deadlock: 'threads wait for each other',
  'sleeps-for-ever': 'a thread sleeps for ever',
  leak: 'something leaks',
  check: "the program's own check fails",
};

/** The page. */
export function cataloguePage() {
  return [
    '# The catalogue',
    '',
    '<!-- Written by `npm run docs:catalogue` out of packages/catalogue. Do not edit. -->',
    '',
    'Defects that BSD virtual memory systems have had, and others that they would have without one of the checks they make. Each is a',
    'program, a patch that brings the defect about, what must then be found, and remedies as patches on top. Those that are *open* need',
    'no patch: NetBSD has them to this day, and so has the kernel here. See [vslock.md](vslock.md) for all of these, and a fix.',
    '',
    '    faultline catalogue ENTRY             brings it about, explains it, and tries the remedies',
    '    faultline explore catalogue:ENTRY     finds it, without a hint where to look',
    '',
    'Schedules: how many the explorer samples until it finds the defect, the median and the most of',
    `${SEARCHES} searches with different seeds. An entry that needs 1 shows whatever the schedule is.`,
    '',
    ...table(['entry', 'what it is', 'what is found', 'schedules, median', 'most'], CATALOGUE.map(summaryRow)),
    '',
    ...CATALOGUE.flatMap(section),
    '## Found by random programs',
    '',
    'The entries that show in one process are also found by short random programs in the grammar of syzkaller, which know nothing of the',
    'entry: so many programs, with so many calls, until the first that shows the same; and what is left of it when it has been made small.',
    'Without a defect none of them shows anything.',
    '',
    ...CATALOGUE.filter(({ finds }) => finds.call !== undefined).flatMap(randomPrograms),
  ].join('\n');
}

/** @param {CatalogueEntry} entry */
function summaryRow(entry) {
  const { id, title, finds, defect } = entry;
  const schedules = Array.from({ length: SEARCHES }, (_, seed) => schedulesTo(entry, seed + 1)).sort((a, b) => a - b);
  return [
    `[${id}](#${id})`,
    `${title}${defect === null ? ' (*open*)' : ''}`,
    KINDS[finds.kind],
    String(schedules[SEARCHES >> 1]),
    String(schedules.at(-1)),
  ];
}

/**
 * Schedules until an entry is found.
 *
 * @param {CatalogueEntry} entry
 * @param {number} seed
 */
function schedulesTo(entry, seed) {
  const { id, program } = entry;
  const { found } = sample(programModel(program, { patches: defectsOf(entry) }), { seed, budget: { executions: SCHEDULES } });
  const [first] = found;
  if (first === undefined) throw new Error(`${id} is not found in ${SCHEDULES} schedules from seed ${seed}`);
  const { kind, message, violations } = first.failure;
  const told = [message, ...violations.map(({ invariant }) => invariant)].join('\n');
  if (!findingsOf(entry).some((finding) => kind === finding.kind && told.includes(finding.text)))
    throw new Error(`${id} shows as ${kind}: ${told}`);
  return first.execution;
}

/** @param {CatalogueEntry} entry */
function section(entry) {
  const { id, title, story, defect, sound = [], remedies } = entry;
  return [
    `## ${id}`,
    '',
    `**${sentence(title)}**`,
    '',
    ...fill(story),
    '',
    defect === null ? '- Open: there is no patch, the kernel of today has it.' : `- The patch: ${defect.summary}.`,
    ...findingsOf(entry).map(
      ({ kind, text }, i) => `- ${i === 0 ? 'What is found' : 'In other schedules'}: ${KINDS[kind]}, \`${text}\`.`,
    ),
    ...sound.map(({ name }) => `- Nothing is found in \`${name.replace('catalogue:', '')}\`.`),
    ...remedies.map(
      ({ patch, history, cures }) =>
        `- ${cures ? 'A cure' : '**No cure**'}, \`${patch.id}\`: ${patch.summary}. ${sentence(history)}`,
    ),
    '',
  ];
}

/** A few words as a sentence. @param {string} words */
function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** @param {CatalogueEntry} entry */
function randomPrograms(entry) {
  const { id, finds } = entry;
  const { kind, text } = finds;
  const { programs, calls, found } = fuzzSyz({
    programs: PROGRAMS,
    fails: (result) => isFinding({ kind, text }, shownBy(result)),
    run: { machine: MACHINE, patches: defectsOf(entry) },
  });
  if (found === null) throw new Error(`${id} is not found by ${PROGRAMS} random programs`);
  const { program, tried } = found.shrunk;
  return [
    `${id}: ${programs} programs, ${calls} calls; of ${found.program.calls.length} calls in the last are left, after ${tried} tries,`,
    '',
    '```',
    formatSyz(program).trimEnd(),
    '```',
    '',
  ];
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** Text in lines of 140 columns. @param {string} text */
function fill(text) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= 140) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PAGE, cataloguePage());
