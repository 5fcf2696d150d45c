"""Allocates memory in every way that Python's own library has."""
import mmap
import os
import threading

numbers = [number * 3 for number in range(50_000)]
words = {str(number): bytearray(number % 97) for number in numbers[:20_000]}

# A buffer that grows in place, or moves.
buffer = bytearray()
for _ in range(24):
    buffer += bytes(256 * 1024)
del buffer

# Anonymous memory, made larger and given advice.
scratch = mmap.mmap(-1, 64 * 4096)
scratch[:4096] = b"x" * 4096
scratch.resize(256 * 4096)
scratch.madvise(mmap.MADV_DONTNEED, 0, 16 * 4096)
scratch.close()

# A file in memory, written back.
with open("data.bin", "w+b") as file:
    file.truncate(32 * 4096)
    shared = mmap.mmap(file.fileno(), 32 * 4096)
    shared[4096:8192] = b"y" * 4096
    shared.flush()
    shared.close()
os.unlink("data.bin")


def work(count):
    lists = [list(range(1000)) for _ in range(count)]
    return sum(map(len, lists))


threads = [threading.Thread(target=work, args=(200 * (1 + index),)) for index in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

child = os.fork()
if child == 0:
    words["child"] = bytearray(1 << 20)
    os._exit(0)
os.waitpid(child, 0)
print(len(numbers), len(words))
