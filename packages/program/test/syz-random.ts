/** Random syzkaller programs out of the calls that Faultline has, as text. */
import fc from 'fast-check';

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

const PAGE = 0x1000;
/** What programs of syzkaller's touch mostly: the beginning of the data area; and what lies beyond its end. */
const offset = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 24 }).map((page) => page * PAGE) },
  { weight: 4, arbitrary: fc.nat(24 * PAGE) },
  { weight: 1, arbitrary: fc.constantFrom(0xffc000, 0xfff000, 0x1000000, 0x7fffffff0000, 2 ** 52) },
);
const number = fc.oneof(
  { weight: 4, arbitrary: fc.nat(8).map(BigInt) },
  { weight: 2, arbitrary: fc.nat(0x4000).map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 64n - 1n, 2n ** 63n, 2n ** 32n - 1n, 2n ** 31n, 2n ** 53n) },
);
const address = offset.map((at) => hex(0x7f0000000000 + at));
const bytes = fc.nat(12).map((length) => '61'.repeat(length));

const ARGUMENTS = {
  range: fc.tuple(address, fc.integer({ min: 1, max: 8 })).map(([at, pages]) => `&(${at}/${hex(pages * PAGE)})=nil`),
  length: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 8 }).map((pages) => hex(pages * PAGE)) },
    { weight: 2, arbitrary: fc.nat(8 * PAGE).map(hex) },
    { weight: 1, arbitrary: number.map(hex) },
  ),
  /** Of bytes to be moved: what a page daemon would have to make room for is left out, since there is none. */
  count: fc.oneof(
    { weight: 6, arbitrary: fc.nat(8 * PAGE).map(hex) },
    { weight: 1, arbitrary: fc.constantFrom('0xffffffffffffffff', '0x8000000000000000', '0x40000000000000') },
  ),
  protection: fc.nat(8).map(hex),
  mapFlags: fc.constantFrom('0x1012', '0x1011', '0x11', '0x12', '0x1002', '0x1001', '0x32', '0x22', '0x8032', '0x1812', '0x1'),
  fd: fc.constantFrom('r0', 'r1', 'r2', 'r3', '0x0', '0x1', '0xffffffffffffffff', 'r0+1', 'r1/2+1'),
  data: fc.oneof(
    fc.tuple(address, bytes).map(([at, data]) => `&(${at})="${data}"`),
    fc.tuple(address, bytes, fc.nat(3 * PAGE)).map(([at, data, size]) => `&(${at})="${data}"/${size}`),
    fc.tuple(address, bytes).map(([at, data]) => `&(${at})=ANY=[@ANYBLOB="${data}", @ANYRES32=r0, @ANYRESHEX=r1]`),
    fc.constantFrom('nil', '&AUTO="6162"', '0x1'),
  ),
  room: fc.tuple(address, fc.nat(2 * PAGE)).map(([at, size]) => `&(${at})=""/${size}`),
  path: fc
    .tuple(address, fc.constantFrom("'./file0\\x00'", "'./file1\\x00'", "'\\x00'", "'.\\x00'"))
    .map((p) => `&(${p.join(')=')}`),
  openFlags: fc.constantFrom('0x202', '0x2', '0x42', '0x602', '0x0', '0x1', '0x20a'),
  pipe: address.map((at) => `&(${at})={<r2=>0xffffffffffffffff, <r3=>0xffffffffffffffff}`),
  vector: fc
    .array(fc.tuple(address, bytes), { maxLength: 3 })
    .chain((parts) => address.map((at) => `&(${at})=[${parts.map(([to, data]) => `{&(${to})="${data}", 0x4}`).join(', ')}]`)),
  limit: fc.tuple(address, number, number).map(([at, soft, hard]) => `&(${at})={${hex(soft)}, ${hex(hard)}}`),
  small: fc.nat(12).map(hex),
  offset: fc.oneof(
    fc.nat(6).map((page) => hex(page * PAGE)),
    number.map(hex),
  ),
  number: number.map(hex),
} as const;

type Kind = keyof typeof ARGUMENTS;

const CALLS: readonly [name: string, ...Kind[]][] = [
  ['mmap', 'range', 'length', 'protection', 'mapFlags', 'fd', 'offset'],
  ['mmap$pad', 'range', 'length', 'protection', 'mapFlags', 'fd', 'number', 'offset'],
  ['munmap', 'range', 'length'],
  ['mprotect', 'range', 'length', 'protection'],
  ['minherit', 'range', 'length', 'small'],
  ['msync', 'range', 'length', 'small'],
  ['madvise', 'range', 'length', 'small'],
  ['mincore', 'range', 'length', 'room'],
  ['mlock', 'range', 'length'],
  ['munlock', 'range', 'length'],
  ['mlockall', 'small'],
  ['munlockall'],
  ['mremap', 'range', 'length', 'range', 'length', 'mapFlags'],
  ['mremap', 'range', 'length', 'length', 'small', 'range'],
  ['brk', 'number'],
  ['sbrk', 'length'],
  ['fork'],
  ['vfork'],
  ['clone', 'number', 'data'],
  ['_lwp_create', 'number', 'small', 'pipe'],
  ['wait4', 'fd', 'room', 'small', 'room'],
  ['kill', 'fd', 'small'],
  ['exit', 'number'],
  ['open', 'path', 'openFlags', 'number'],
  ['openat', 'fd', 'path', 'openFlags', 'number'],
  ['creat', 'path', 'number'],
  ['close', 'fd'],
  ['read', 'fd', 'room', 'count'],
  ['write', 'fd', 'data', 'count'],
  ['pread', 'fd', 'room', 'count', 'offset'],
  ['pwrite', 'fd', 'data', 'count', 'offset'],
  ['readv', 'fd', 'vector', 'small'],
  ['writev', 'fd', 'vector', 'small'],
  ['preadv', 'fd', 'vector', 'small', 'offset'],
  ['pwritev', 'fd', 'vector', 'small', 'offset'],
  ['lseek', 'fd', 'offset', 'small'],
  ['ftruncate', 'fd', 'offset'],
  ['truncate', 'path', 'offset'],
  ['fsync', 'fd'],
  ['pipe2', 'pipe', 'small'],
  ['dup', 'fd'],
  ['dup2', 'fd', 'fd'],
  ['fcntl$dupfd', 'fd', 'small', 'small'],
  ['getrlimit', 'small', 'room'],
  ['setrlimit', 'small', 'limit'],
  ['unlink', 'path'],
  ['memfd_create', 'path', 'number'],
  ['socket', 'number', 'number', 'number'],
];

/** What a program may have. */
export interface RandomSyzOptions {
  /** Whether calls may run beside others: async, or in a child. */
  readonly concurrent: boolean;
}

const CONCURRENT = new Set(['fork', 'vfork', 'clone']);

const props = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map((nth) => ` (fail_nth: ${nth})`) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((times) => ` (rerun: ${times})`) },
);

function line({ concurrent }: RandomSyzOptions): fc.Arbitrary<string> {
  const calls = CALLS.filter(([name]) => concurrent || !CONCURRENT.has(name));
  const tail = concurrent ? fc.oneof({ weight: 4, arbitrary: props }, { weight: 1, arbitrary: fc.constant(' (async)') }) : props;
  return fc.constantFrom(...calls).chain((call) => callText(call, tail));
}

function callText([name, ...kinds]: (typeof CALLS)[number], tail: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const wild = fc.constantFrom<Kind>('number', 'data', 'limit', 'fd');
  const usual = (kind: Kind) => ({ weight: 12, arbitrary: ARGUMENTS[kind] as fc.Arbitrary<string> });
  const args = kinds.map((kind) =>
    kind === 'count' ? ARGUMENTS.count : fc.oneof(usual(kind), { weight: 1, arbitrary: wild.chain((other) => ARGUMENTS[other]) }),
  );
  const result = fc.constantFrom('', '', 'r0 = ', 'r1 = ');
  return fc
    .tuple(result, fc.tuple(...args), tail)
    .map(([variable, words, end]) => `${variable}${name}(${words.join(', ')})${end}`);
}

/** Sets each variable once, so that the lines may use them in any order. */
const PREAMBLE = [
  "r0 = open(&(0x7f0000000000)='./file0\\x00', 0x202, 0x1ff)",
  'r1 = dup(r0)',
  'pipe2(&(0x7f0000000040)={<r2=>0xffffffffffffffff, <r3=>0xffffffffffffffff}, 0x0)',
];

/** Programs of some lines. */
export function randomSyz(options: RandomSyzOptions): fc.Arbitrary<string> {
  const header = fc.constantFrom('', '#{"threaded":true}', '#{"repeat":true,"repeat_times":2}');
  return fc
    .tuple(header, fc.array(line(options), { maxLength: 16 }))
    .map(([first, lines]) => [first, ...PREAMBLE, ...lines, ''].join('\n'));
}
