"""Counts words and pairs of words of a text, and prints the commonest: dictionaries, lists, strings."""
import sys
from collections import Counter, defaultdict

words = open(sys.argv[1]).read().split()
followers = defaultdict(Counter)
for word, next_word in zip(words, words[1:]):
    followers[word][next_word] += 1
for word, count in Counter(words).most_common(20):
    print(word, count, followers[word].most_common(3))
