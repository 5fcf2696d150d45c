/** Prints syzkaller programs. */
import { formatData } from './data.js';
import { formatOptions } from './options.js';
import { MAX_SYZ_NESTING } from './parse-arg.js';
import { type SyzArg, type SyzCall, type SyzPointer, type SyzProgram, syzCallName } from './program.js';

/**
 * The text of a program as syzkaller itself would write it: one call a line, hexadecimal constants, no blank lines but one
 * below the header. `parseSyz` reads the same program back, save for line numbers.
 *
 * => throws a RangeError when arguments are nested deeper than `parseSyz` reads.
 */
export function formatSyz(program: SyzProgram): string {
  const lines: string[] = [];
  if (program.options.size > 0) lines.push(`#${formatOptions(program.options)}`);
  lines.push(...program.comments.map(commentLine));
  if (lines.length > 0 && program.calls.length > 0) lines.push('');
  for (const call of program.calls) lines.push(...call.comments.map(commentLine), formatSyzCall(call));
  lines.push(...program.trailingComments.map(commentLine));
  return lines.map((line) => `${line}\n`).join('');
}

function commentLine(comment: string): string {
  return comment === '' ? '#' : `# ${comment}`;
}

/** One call as a line of a program, without the line's end. */
export function formatSyzCall(call: SyzCall): string {
  const result = call.result === undefined ? '' : `${call.result} = `;
  const remark = call.remark === undefined ? '' : ` ${commentLine(call.remark)}`;
  return `${result}${syzCallName(call)}(${formatList(call.args, 0)})${formatProps(call)}${remark}`;
}

function formatProps({ props }: SyzCall): string {
  const words: string[] = [];
  if (props.failNth !== 0) words.push(`fail_nth: ${props.failNth}`);
  if (props.async) words.push('async');
  if (props.rerun !== 0) words.push(`rerun: ${props.rerun}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function formatList(args: readonly SyzArg[], depth: number): string {
  return args.map((arg) => formatArg(arg, depth)).join(', ');
}

function formatArg(arg: SyzArg, depth: number): string {
  if (depth === MAX_SYZ_NESTING) throw new RangeError(`Arguments are nested deeper than ${MAX_SYZ_NESTING} levels.`);
  switch (arg.kind) {
    case 'nil':
      return 'nil';
    case 'auto':
      return 'AUTO';
    case 'const':
      return `0x${arg.value.toString(16)}`;
    case 'result':
      return `${arg.name}${arg.div === 0n ? '' : `/${arg.div}`}${arg.add === 0n ? '' : `+${arg.add}`}`;
    case 'declare':
      return `<${arg.name}=>${formatArg(arg.value, depth)}`;
    case 'pointer':
      return formatPointer(arg, depth);
    case 'data':
      return formatData(arg);
    case 'struct':
      return `{${formatList(arg.fields, depth + 1)}}`;
    case 'array':
      return `[${formatList(arg.items, depth + 1)}]`;
    case 'union':
      return arg.value === undefined ? `@${arg.option}` : `@${arg.option}=${formatArg(arg.value, depth + 1)}`;
  }
}

function formatPointer(pointer: SyzPointer, depth: number): string {
  const size = pointer.size === undefined ? '' : `/0x${pointer.size.toString(16)}`;
  const where = pointer.address === 'auto' ? 'AUTO' : `(0x${pointer.address.toString(16)}${size})`;
  if (pointer.pointee === undefined) return `&${where}`;
  return `&${where}=${pointer.any ? 'ANY=' : ''}${formatArg(pointer.pointee, depth + 1)}`;
}
