/* B2's model, R(N): two threads, each N times { r = x; x = r + 1 }, and the claim that x is more than 2 at the end. */
short x;
byte done;

active [2] proctype count() {
  short r;
  byte i;
  do
  :: atomic { i < N -> r = x }; atomic { x = r + 1; r = 0; i++ }
  :: atomic { i >= N -> done++; break }
  od
}

active proctype check() {
  done == 2 -> assert(x > 2)
}
