/**
 * The compiler that builds and checks: TypeScript 7. It stands beside TypeScript 6, whose API the documentation and layer tools
 * use, and so has a name of its own in package.json.
 */
import { fileURLToPath } from 'node:url';

/** The file of its command. */
export const TSC = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript-native/package.json')));
