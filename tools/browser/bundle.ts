/** Bundles a module, with all that it imports, into one script for a browser. */
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/** A script that needs nothing else. */
export interface Bundle {
  readonly code: string;
  /** Kilobytes of it, and of what would be sent. */
  readonly size: number;
  readonly compressed: number;
  /** The files that it is made of. */
  readonly modules: readonly string[];
}

const WITHOUT_BLANKS = { compress: false, mangle: false, codegen: { removeWhitespace: true } };

/**
 * Bundles a module. Functions keep their names: the kernel's stacks are made of them.
 *
 * @param options.minify whether it is made as short as can be, or by leaving out blanks and comments only
 * @throws {Error} when it imports something that is not there in a browser: a module of Node, a package that is not installed
 */
export async function bundleForBrowser(entry: string, options: { minify?: boolean | 'blanks' } = {}): Promise<Bundle> {
  const build = await rolldown({ input: entry, platform: 'browser', logLevel: 'silent' });
  const { output } = await build.generate({
    format: 'iife',
    keepNames: true,
    codeSplitting: false,
    minify: options.minify === 'blanks' ? WITHOUT_BLANKS : options.minify === true,
  });
  await build.close();
  const [{ code, imports, dynamicImports, moduleIds }] = output;
  const foreign = [...imports, ...dynamicImports];
  if (foreign.length > 0) throw new Error(`${entry} is not for a browser: it imports ${foreign.join(', ')}`);
  return { code, size: kilobytes(code.length), compressed: kilobytes(gzipSync(code).length), modules: moduleIds };
}

function kilobytes(bytes: number): number {
  return Math.round(bytes / 1000);
}
