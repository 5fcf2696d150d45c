/* Multiplies two matrices, row by row: for each row of the product, all of the second matrix. */
#include <stdio.h>

#define N 320

static double left[N][N], right[N][N], product[N][N];

int main(void) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      left[i][j] = i + j;
      right[i][j] = i - j;
    }
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++)
      for (int j = 0; j < N; j++) product[i][j] += left[i][k] * right[k][j];
  printf("%g\n", product[N / 2][N / 3]);
  return 0;
}
