/*
 * What the host kernel's own virtual memory costs: the operations of the benchmark, as system calls and faults of this machine.
 * Prints one line of JSON: nanoseconds for each, the median of ROUNDS rounds; -1 where the host does not allow it.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, ROUNDS = 15, PAGES = 1000 };

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static char *map_pages(int count) {
  char *at = mmap(NULL, (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) exit(1);
  /* Pages of 4 KiB are what is compared. */
  madvise(at, (size_t)count * PAGE, MADV_NOHUGEPAGE);
  return at;
}

static void touch(volatile char *at, int count) {
  for (int i = 0; i < count; i++) at[(size_t)i * PAGE] = 1;
}

static double zero_page(void) {
  static char page[PAGE] __attribute__((aligned(PAGE)));
  double begin = now_ns();
  for (int i = 0; i < 10000; i++) {
    memset(page, 0, PAGE);
    __asm__ volatile("" : : "r"(page) : "memory");
  }
  return (now_ns() - begin) / 10000;
}

static double zero_fill(void) {
  char *at = map_pages(PAGES);
  double begin = now_ns();
  touch(at, PAGES);
  double each = (now_ns() - begin) / PAGES;
  munmap(at, (size_t)PAGES * PAGE);
  return each;
}

/* The parent writes to pages that it shares with a child which only waits. */
static double copy_on_write(void) {
  char *at = map_pages(PAGES);
  touch(at, PAGES);
  int gate[2];
  char byte;
  if (pipe(gate) != 0) exit(1);
  pid_t child = fork();
  if (child == 0) {
    close(gate[1]);
    _exit(read(gate[0], &byte, 1) < 0);
  }
  close(gate[0]);
  double begin = now_ns();
  touch(at, PAGES);
  double each = (now_ns() - begin) / PAGES;
  close(gate[1]);
  waitpid(child, NULL, 0);
  munmap(at, (size_t)PAGES * PAGE);
  return each;
}

static double map_unmap(void) {
  double begin = now_ns();
  for (int i = 0; i < 1000; i++) {
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at, PAGE);
  }
  return (now_ns() - begin) / 1000;
}

static double lock_unlock(void) {
  char *at = map_pages(PAGES);
  touch(at, PAGES);
  double begin = now_ns();
  for (int i = 0; i < 1000; i++) {
    if (mlock(at + 500 * PAGE, PAGE) != 0) return -1;
    munlock(at + 500 * PAGE, PAGE);
  }
  double each = (now_ns() - begin) / 1000;
  munmap(at, (size_t)PAGES * PAGE);
  return each;
}

static double fork_exit(void) {
  char *at = map_pages(PAGES);
  touch(at, PAGES);
  double begin = now_ns();
  for (int i = 0; i < 10; i++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
  }
  double each = (now_ns() - begin) / 10 / PAGES;
  munmap(at, (size_t)PAGES * PAGE);
  return each;
}

static void print(const char *name, double (*measure)(void), const char *end) {
  double rounds[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) rounds[i] = measure();
  qsort(rounds, ROUNDS, sizeof *rounds, ascending);
  printf("\"%s\": %.2f%s", name, rounds[ROUNDS / 2], end);
}

int main(void) {
  printf("{");
  print("zeroPage", zero_page, ", ");
  print("zeroFill", zero_fill, ", ");
  print("copyOnWrite", copy_on_write, ", ");
  print("mapUnmap", map_unmap, ", ");
  print("lockUnlock", lock_unlock, ", ");
  print("forkExitPerPage", fork_exit, "}\n");
  return 0;
}
