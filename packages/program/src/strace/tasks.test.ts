import { describe, expect, it } from 'vitest';
import { actorOf, replayLines } from '../../test/strace-log.js';
import { SpaceView, Tasks } from './tasks.js';

/** Processes 7 and 8, of which 7 has the threads 7 and 9. */
const LINES = [
  '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0',
  '7 fork() = 8',
  '7 clone(child_stack=0x7f1000000000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 9',
];

describe('the view of a space', () => {
  it('is copied for a child, who does not inherit that future memory is locked', () => {
    const parent = new SpaceView();
    parent.logged.add(0x1000, 0x3000);
    parent.breakAt = 0x5000;
    parent.locksFuture = true;
    parent.fromStart = false;
    const child = new SpaceView(parent);
    parent.logged.remove(0x1000, 0x2000);
    expect(child.logged.endAt(0x1000)).toBe(0x3000);
    expect(child).toMatchObject({ breakAt: 0x5000, locksFuture: false, fromStart: false });
  });
});

describe('tasks', () => {
  it('are found by the numbers of their threads, and listed once', () => {
    const { tasks } = replayLines(LINES).replay;
    expect(tasks.all().map(({ pid }) => pid)).toEqual([7, 8, 9]);
    expect(tasks.alive().map(({ pid, threads }) => [pid, threads.size])).toEqual([
      [7, 2],
      [8, 1],
    ]);
    expect(tasks.get(10)).toBeUndefined();
  });

  it('are gone after their end until their last line has been seen, or their number is used again', () => {
    const replayed = replayLines(LINES);
    const { tasks } = replayed.replay;
    const thread = actorOf(replayed, 9);
    tasks.ended(thread);
    expect(tasks.get(9)).toBeUndefined();
    expect(tasks.hasGone(9)).toBe(true);
    tasks.forget(9);
    expect(tasks.hasGone(9)).toBe(false);
    tasks.ignore(9);
    tasks.add(9, thread.lwp, thread.task);
    expect(tasks.hasGone(9)).toBe(false);
  });

  it('end once: a number that has been given away stays its new owner’s', () => {
    const replayed = replayLines(LINES);
    const { tasks } = replayed.replay;
    const before = actorOf(replayed, 9);
    const after = tasks.add(9, before.lwp, before.task);
    tasks.ended(before);
    expect(tasks.get(9)).toBe(after);
  });

  it('go on under another number', () => {
    const replayed = replayLines(LINES);
    const { tasks } = replayed.replay;
    const thread = actorOf(replayed, 9);
    tasks.rename(thread, 7);
    expect(tasks.get(9)).toBeUndefined();
    expect(tasks.get(7)).toBe(thread);
    expect(thread.pid).toBe(7);
  });

  it('expect a child once', () => {
    const replayed = replayLines(LINES);
    const { tasks } = replayed.replay;
    tasks.expect(10, actorOf(replayed, 7));
    expect(tasks.takeBirth(10)?.pid).toBe(7);
    expect(tasks.takeBirth(10)).toBeUndefined();
  });

  it('are as many as a host can bear, and so are the numbers of those that have gone', () => {
    const replayed = replayLines(LINES);
    const { lwp, task } = actorOf(replayed, 7);
    const tasks = new Tasks();
    for (let pid = 1; pid <= 4096; pid++) {
      expect(tasks.room).toBe(true);
      tasks.add(pid, lwp, task);
    }
    expect(tasks.room).toBe(false);
    for (let pid = 1; pid <= 65_537; pid++) tasks.ignore(pid);
    expect([1, 2, 65_537].map((pid) => tasks.hasGone(pid))).toEqual([false, true, true]);
  });
});
