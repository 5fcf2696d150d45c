/**
 * What a syzkaller program says, as data: the tree that `parseSyz` makes and `formatSyz` prints.
 *
 *     #{"threaded":true,"procs":1}                           options
 *     # requires: -threaded                                  comments
 *     r0 = openat(0xffffffffffffff9c, &AUTO='./f\x00')       result, name, args
 *     write(r0, &(0x7f0000000000)="0101", 0x2) (async)       props
 *
 * The tree knows no types: whether `0x0` is a null pointer or a length is for the one who knows the call. Constants are 64 bits
 * wide and therefore bigints.
 */

/** Programs write addresses as offsets from here; the executor has its data area at this address or moves them to where it is. */
export const SYZ_ADDRESS_BASE = 0x7f0000000000n;

/** A value of the options header. */
export type SyzOptionValue = boolean | number | string;

/** One syzkaller program. */
export interface SyzProgram {
  /**
   * How syzkaller ran the program, from the `#{…}` comment at its head: `threaded`, `repeat`, `procs`, `sandbox`, … under
   * the names of the JSON form; the older `{Threaded:true …}` form is read too. Empty when there is no such comment.
   */
  readonly options: ReadonlyMap<string, SyzOptionValue>;
  /** The comment lines above the first call, without their `#`. */
  readonly comments: readonly string[];
  readonly calls: readonly SyzCall[];
  /** The comment lines below the last call. */
  readonly trailingComments: readonly string[];
}

/** One line of a program. */
export interface SyzCall {
  /** The line of the file, from 1. */
  readonly line: number;
  /** The comment lines between the call before and this one; the first call has none, they are the program's. */
  readonly comments: readonly string[];
  /** The variable that holds the call's result: `r0`. */
  readonly result: string | undefined;
  /** The system call, without its variant: `ioctl` of `ioctl$KVM_RUN`. */
  readonly name: string;
  /** What syzkaller calls this shape of the call: `KVM_RUN`. */
  readonly variant: string | undefined;
  readonly args: readonly SyzArg[];
  readonly props: SyzCallProps;
  /** The comment behind the call; in syzkaller's tests the errno that it has to give, such as `EINVAL`. */
  readonly remark: string | undefined;
}

/** How a call is to be made. */
export interface SyzCallProps {
  /** The next call does not wait for this one. */
  readonly async: boolean;
  /** Inject a fault at this occasion, from 1; 0 for none. */
  readonly failNth: number;
  /** Make the call this many times more. */
  readonly rerun: number;
}

/** A call made in the ordinary way. */
export const PLAIN_CALL: SyzCallProps = { async: false, failNth: 0, rerun: 0 };

/** An argument, or a part of one. */
export type SyzArg =
  | SyzNil
  | SyzAuto
  | SyzConst
  | SyzResult
  | SyzDeclare
  | SyzPointer
  | SyzData
  | SyzStruct
  | SyzArray
  | SyzUnion;

/** `nil`: nothing; the default of whatever stands here. */
export interface SyzNil {
  readonly kind: 'nil';
}

/** `AUTO`: syzkaller fills in the value, such as a length. */
export interface SyzAuto {
  readonly kind: 'auto';
}

/** `0x2a`: a 64-bit constant, 0 to 2^64 - 1; negative numbers are two's complement. */
export interface SyzConst {
  readonly kind: 'const';
  readonly value: bigint;
}

/** `r0/2+4`: the value of a variable, first divided, then added to. */
export interface SyzResult {
  readonly kind: 'result';
  readonly name: string;
  /** 0 for no division. */
  readonly div: bigint;
  readonly add: bigint;
}

/** `<r0=>0x0`: what the call leaves in this place becomes the value of a variable. */
export interface SyzDeclare {
  readonly kind: 'declare';
  readonly name: string;
  /** What stands there before the call; never itself a declaration. */
  readonly value: SyzArg;
}

/** `&(0x7f0000001000)=…`, `&AUTO=…` or, for a piece of address space, `&(0x7f0000000000/0x3000)=nil`. */
export interface SyzPointer {
  readonly kind: 'pointer';
  /** As written, `SYZ_ADDRESS_BASE` and more; or `auto` where syzkaller allocates. */
  readonly address: bigint | 'auto';
  /** Length in bytes of a piece of address space; undefined for an ordinary pointer. Readers round it up to pages. */
  readonly size: bigint | undefined;
  /** Marked `=ANY=`: the pointee does not follow the call's own type. */
  readonly any: boolean;
  /** What is stored at the address; undefined when nothing is said. */
  readonly pointee: SyzArg | undefined;
}

/** A string of bytes. */
export interface SyzData {
  readonly kind: 'data';
  /** How it is written: `'text'`, `"hex"`, or `"$base64"` of a zlib stream (see `inflateSyzData`). */
  readonly form: 'text' | 'hex' | 'compressed';
  /** The bytes as written; in the compressed form those of the zlib stream. */
  readonly bytes: Uint8Array;
  /** Of `""/4`: the length in bytes, to which the data is cut or padded with zeros; undefined for as many as there are. */
  readonly size: bigint | undefined;
}

/** `{0x1, 0x2}`. Trailing fields may be absent and have their defaults. */
export interface SyzStruct {
  readonly kind: 'struct';
  readonly fields: readonly SyzArg[];
}

/** `[0x1, 0x2]`. */
export interface SyzArray {
  readonly kind: 'array';
  readonly items: readonly SyzArg[];
}

/** `@option=0x1` or `@option`. */
export interface SyzUnion {
  readonly kind: 'union';
  readonly option: string;
  readonly value: SyzArg | undefined;
}

/** The name of a call as programs write it: `ioctl$KVM_RUN`. */
export function syzCallName(call: Pick<SyzCall, 'name' | 'variant'>): string {
  return call.variant === undefined ? call.name : `${call.name}$${call.variant}`;
}

/** A condition on the machine that the program should run on: `arch=arm64`, `threaded`. */
export interface SyzRequirement {
  readonly property: string;
  /** False for `-threaded`: the property must not hold. */
  readonly wanted: boolean;
}

/** What the `# requires: arch=arm64 -threaded` comments of a program ask for. */
export function syzRequirements(program: SyzProgram): SyzRequirement[] {
  const PREFIX = 'requires:';
  return program.comments
    .filter((comment) => comment.startsWith(PREFIX))
    .flatMap((comment) => comment.slice(PREFIX.length).split(/\s+/))
    .filter((word) => word !== '' && word !== '-')
    .map((word) => (word.startsWith('-') ? { property: word.slice(1), wanted: false } : { property: word, wanted: true }));
}
