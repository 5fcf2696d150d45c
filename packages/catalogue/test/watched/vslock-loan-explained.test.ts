/** Why netbsd-2003-vslock-loan goes wrong, in the words of the report. */
import { explore } from '@faultline/explorer';
import { PAGE_SIZE } from '@faultline/kernel';
import { exploreReport, programModel } from '@faultline/program';
import { describe, expect, it } from 'vitest';
import { vslockLoan } from '../../src/netbsd-2003-vslock-loan.js';

/** Where the child stores. */
const Y = 0x200000;

describe('the explanation of netbsd-2003-vslock-loan', async () => {
  let now = 0;
  const exploration = await explore(programModel(vslockLoan.program), { now: () => now++, patience: Number.POSITIVE_INFINITY });
  const lines = exploreReport(exploration).map((line) => line.trim());
  const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
  const firstBroken = at('What went wrong first:');
  const noReturn = at('Point of no return:');

  it('names the wiring of a page that is on loan as the first broken rule', () => {
    expect(lines[firstBroken]).toMatch(/, A's write takes uvm_pageqlock, in write\(0, 0x100000, 4096\)$/);
    expect(lines.slice(firstBroken, noReturn).join('\n')).toMatch(
      /^a page is not wired while it is on loan: .* \[wired-loan\]$/m,
    );
    expect(lines.slice(firstBroken, noReturn).join('\n')).toMatch(/^page \d+ has wire_count 1, and loan_count 1\.$/m);
  });

  it('names the store that broke the loan as the step where the failure became inevitable', () => {
    expect(lines.slice(noReturn, noReturn + 2).join(' ')).toContain(
      `B's fault takes uvm_pageqlock, for a store to 0x${Y.toString(16)}.`,
    );
    const inTrace = lines.findIndex((line) => line.includes('takes uvm_pageqlock  <- from here'));
    expect(lines.slice(inTrace, inTrace + 4).join(' ')).toMatch(/loan break: page \d+ -> page \d+/);
  });

  it('ends with a page that nobody owns under the device', () => {
    expect(lines.join('\n')).toMatch(
      new RegExp(`rst0 write of ${PAGE_SIZE} bytes: page \\d+ belonged to object 1 .*, and to nobody now`),
    );
  });
});
