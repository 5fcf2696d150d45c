/** The memory calls of syzkaller programs. */
import { EINVAL, MAP_ANON } from '@faultline/kernel';
import {
  netbsdAdvice,
  netbsdMapFlags,
  netbsdMlockallFlags,
  netbsdMlockFlags,
  netbsdMremapFlags,
  netbsdMsyncFlags,
  netbsdProtection,
  type Translated,
} from '../linux-abi.js';
import { ADDRESS, type Caller, type CallType, FD, INT, LONG, ROOM, type SyzOs } from './call-type.js';

/** The kernel's flags for those of a program. */
type Translate = (caller: Caller, flags: number) => number;

/** NetBSD's are the kernel's already. */
const asTheyAre: Translate = (_caller, flags) => flags;

/** Linux's, of which those that mean nothing here are said. */
function fromLinux(translate: (linux: number) => Translated): Translate {
  return (caller, flags) => {
    const { value, untranslated } = translate(flags >>> 0);
    for (const name of untranslated) caller.tally.note('untranslated', `${name} in ${caller.label}`);
    return value;
  };
}

const RANGE = [ADDRESS, LONG] as const;

/** The calls that are the same everywhere but for their flags. */
function sharedCalls(os: SyzOs): [string, CallType][] {
  const linux = os === 'linux';
  const protection = linux ? fromLinux(netbsdProtection) : asTheyAre;
  const mapFlags = linux ? fromLinux(netbsdMapFlags) : asTheyAre;
  const msyncFlags = linux ? fromLinux(netbsdMsyncFlags) : asTheyAre;
  const mlockallFlags = linux ? fromLinux(netbsdMlockallFlags) : asTheyAre;

  const mmap: CallType = {
    parameters: [ADDRESS, LONG, INT, INT, FD, LONG],
    padding: 5,
    *make(caller, [address = 0, length = 0, bits = 0, linuxOrNetbsd = 0, fd = -1, offset = 0]) {
      const prot = protection(caller, bits);
      const flags = mapFlags(caller, linuxOrNetbsd);
      // Linux does not look at the descriptor of anonymous memory, and NetBSD refuses all but -1.
      const file = linux && (flags & MAP_ANON) !== 0 ? -1 : fd;
      return yield* caller.user.mmap(address, length, prot, flags, file, offset);
    },
  };
  const mprotect: CallType = {
    parameters: [...RANGE, INT],
    make: (caller, [address = 0, length = 0, bits = 0]) => caller.user.mprotect(address, length, protection(caller, bits)),
  };
  const msync: CallType = {
    parameters: [...RANGE, INT],
    make: (caller, [address = 0, length = 0, flags = 0]) => caller.user.msync(address, length, msyncFlags(caller, flags)),
  };
  const mincore: CallType = {
    parameters: [...RANGE, ROOM],
    make: ({ user }, [address = 0, length = 0, vector = 0]) => user.mincore(address, length, vector),
  };
  return [
    ['mmap', mmap],
    ['mprotect', mprotect],
    ['msync', msync],
    ['__msync13', msync],
    ['mincore', mincore],
    ['munmap', { parameters: RANGE, make: ({ user }, [address = 0, length = 0]) => user.munmap(address, length) }],
    ['mlock', { parameters: RANGE, make: ({ user }, [address = 0, length = 0]) => user.mlock(address, length) }],
    ['munlock', { parameters: RANGE, make: ({ user }, [address = 0, length = 0]) => user.munlock(address, length) }],
    ['mlockall', { parameters: [INT], make: (caller, [flags = 0]) => caller.user.mlockall(mlockallFlags(caller, flags)) }],
    ['munlockall', { parameters: [], make: ({ user }) => user.munlockall() }],
    ['sbrk', { parameters: [LONG], make: ({ user }, [increment = 0]) => user.sbrk(increment) }],
  ];
}

const obreak: CallType = { parameters: [ADDRESS], make: ({ user }, [address = 0]) => user.brk(address) };

const NETBSD_CALLS: readonly [string, CallType][] = [
  [
    'madvise',
    {
      parameters: [...RANGE, INT],
      make: ({ user }, [address = 0, length = 0, advice = 0]) => user.madvise(address, length, advice),
    },
  ],
  [
    'minherit',
    {
      parameters: [...RANGE, INT],
      make: ({ user }, [address = 0, length = 0, inheritance = 0]) => user.minherit(address, length, inheritance),
    },
  ],
  [
    'mremap',
    {
      parameters: [ADDRESS, LONG, ADDRESS, LONG, INT],
      make: ({ user }, [from = 0, oldLength = 0, to = 0, newLength = 0, flags = 0]) =>
        user.mremap(from, oldLength, to, newLength, flags),
    },
  ],
  ['brk', obreak],
  ['obreak', obreak],
  ['break', obreak],
];

/** Linux's madvise also says what a child inherits, which is `minherit(2)` here. */
const linuxMadvise: CallType = {
  parameters: [...RANGE, INT],
  *make({ user, tally, label }, [address = 0, length = 0, number = 0]) {
    const advice = netbsdAdvice(number);
    if (advice === undefined) return -EINVAL;
    if (advice.call === 'madvise') return yield* user.madvise(address, length, advice.advice);
    if (advice.call === 'minherit') return yield* user.minherit(address, length, advice.inheritance);
    tally.note('notDone', `${advice.name} in ${label}`);
    return undefined;
  },
};

const mremapFlags = fromLinux(netbsdMremapFlags);
/** `MREMAP_FIXED` of Linux. */
const LINUX_MREMAP_FIXED = 2;

/** Linux has the new address last, and without a flag the mapping stays where it is. */
const linuxMremap: CallType = {
  parameters: [ADDRESS, LONG, LONG, INT, ADDRESS],
  make(caller, [from = 0, oldLength = 0, newLength = 0, flags = 0, to = 0]) {
    const near = (flags & LINUX_MREMAP_FIXED) !== 0 ? to : from;
    return caller.user.mremap(from, oldLength, near, newLength, mremapFlags(caller, flags));
  },
};

/** Linux answers where the break is, whether it has moved or not. */
const linuxBrk: CallType = {
  parameters: [ADDRESS],
  *make({ user }, [address = 0]) {
    const moved = address === 0 ? -1 : yield* user.brk(address);
    const { dataStart, dataSize } = user.process.layout;
    return moved === 0 ? address : dataStart + dataSize;
  },
};

const mlockFlags = fromLinux(netbsdMlockFlags);

const LINUX_CALLS: readonly [string, CallType][] = [
  ['madvise', linuxMadvise],
  ['mremap', linuxMremap],
  ['brk', linuxBrk],
  [
    'mlock2',
    {
      parameters: [...RANGE, INT],
      make(caller, [address = 0, length = 0, flags = 0]) {
        mlockFlags(caller, flags);
        return caller.user.mlock(address, length);
      },
    },
  ],
];

/** The memory calls, by name. */
export function memoryCalls(os: SyzOs): [string, CallType][] {
  return [...sharedCalls(os), ...(os === 'linux' ? LINUX_CALLS : NETBSD_CALLS)];
}
