/** A change to mlock that somebody proposes, two actors that try it, and two ways to repair it. */
import { definePatch, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { defineProgram } from '@faultline/program';

/** The proposal: a munmap need not wait for an mlock that is still bringing in pages. */
export const quietMunmap = definePatch({
  id: 'quiet-munmap',
  summary: 'who wants to change a map does not wait until an mlock has brought in its pages',
  replace: {
    uvm: {
      vmMapLock: () =>
        function* (map) {
          yield* map.lock.enter('write');
          map.timestamp++;
        },
    },
  },
});

/** A first repair: changes wait, but only if the map is busy at the moment at which they ask. */
export const waitOnce = definePatch({
  id: 'wait-once',
  summary: 'who wants to change a busy map waits for it once',
  replace: {
    uvm: {
      vmMapLock: () =>
        function* (map) {
          yield* map.miscLock.enter();
          if (map.busy !== null && map.busy !== this.curlwp) yield* map.cv.wait(map.miscLock);
          yield* map.miscLock.exit();
          yield* map.lock.enter('write');
          map.timestamp++;
        },
    },
  },
});

/** The second: what the kernel does. The lock is taken, and given back as long as the map is busy. */
export const waitWithLock = definePatch({
  id: 'wait-with-lock',
  summary: 'who wants to change a map looks whether it is busy with the lock held, and waits as long as it is',
  replace: {
    uvm: {
      vmMapLock: () =>
        function* (map) {
          for (;;) {
            yield* map.lock.enter('write');
            if (map.busy === null || map.busy === this.curlwp) break;
            yield* map.miscLock.enter();
            yield* map.lock.exit();
            while (map.busy !== null) yield* map.cv.wait(map.miscLock);
            yield* map.miscLock.exit();
          }
          map.timestamp++;
        },
    },
  },
});

const PAGE = 0x100000;

export default defineProgram({
  machine: { ramPages: 32 },
  *setUp(user) {
    yield* user.mmap(PAGE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
  },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      yield* other.munmap(PAGE, PAGE_SIZE);
    });
    yield* user.mlock(PAGE, PAGE_SIZE);
  },
});
