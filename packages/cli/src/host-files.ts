/** Files of the host that a program is to find in its system. */
import { HostFile, type HostMount, parseHostMount, RecordingStore, ReplayingStore } from '@faultline/host-node';
import { errnoName, O_RDWR } from '@faultline/kernel';
import type { Program, Session } from '@faultline/program';
import { UsageError } from './usage.js';

/**
 * A program that finds files of the host, by name.
 *
 * => a run that is explained is made more than once. Only the first one touches the host: what the files answered is recorded, and the
 *    later ones are told the same (decision D2).
 * => at the end of the first run what it changed is written back, as it would be when a system is shut down.
 *
 * @param specs `HOSTPATH[:/NAME][:ro]`
 * @throws {HostFileError} when there is no such file, or it cannot be used so
 */
export function withHostFiles(program: Program, specs: readonly string[]): Program {
  if (specs.length === 0) return program;
  const mounts = specs.map(parseHostMount);
  const files = mounts.map((mount) => new HostFile(mount.path, mount));
  const recorders = files.map((file) => new RecordingStore(file));
  const complaints: string[] = [];
  let first = true;
  return {
    ...program,
    run(session) {
      const live = first;
      first = false;
      const { vfs } = session.system.sys;
      for (const [i, { name, path }] of mounts.entries()) {
        const recorder = recorders[i];
        if (recorder === undefined) continue;
        if (vfs.lookup(name) !== null)
          throw new UsageError(
            `${path}: two files would be ${name} in the system; name this one otherwise: --file ${path}:/NAME.`,
          );
        vfs.add(name, live ? recorder : new ReplayingStore(recorder.recording));
      }
      program.run(session);
      if (!live) return;
      complaints.push(...writeBack(session, mounts));
      for (const file of files) file.close();
    },
    check: (session) => [...(program.check?.(session) ?? []), ...complaints],
  };
}

/** Has the system write back the files that may have changed; gives a sentence for each that could not be written. */
function writeBack(session: Session, mounts: readonly HostMount[]): string[] {
  const complaints: string[] = [];
  session.withoutCounting(() => {
    const { system } = session;
    system.perform(system.spawn('sync'), function* (user) {
      for (const { path, name } of mounts.filter(({ access }) => access !== 'read-only')) {
        const fd = yield* user.open(name, O_RDWR);
        // The program may have unlinked it: then nobody wants what is in it.
        if (fd < 0) continue;
        const answer = yield* user.fsync(fd);
        if (answer < 0) complaints.push(`${path}: what was changed could not all be written back: ${errnoName(-answer)}.`);
      }
      yield* user.exit(0);
    });
  });
  return complaints;
}
