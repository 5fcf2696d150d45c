#include <stdio.h>

static unsigned sum(unsigned n)
{
	unsigned s = 0;
	for (unsigned i = 1; i <= n; i++)
		s += i * i;
	return s;
}

int main(void)
{
	printf("%u\n", sum(100));
	return 0;
}
