/* Statistics over numbers that nobody else may see: one a line on stdin, the result on stdout.
 * Fewer than five say too much about each: then the function ends with status 3 and no result. */
#include <stdio.h>
#include <stdlib.h>

enum { FEWEST = 5, BAD_INPUT = 2, TOO_FEW = 3, NO_MEMORY = 4 };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void) {
    double *numbers = NULL, sum = 0;
    size_t count = 0, room = 0;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        char *end;
        double number = strtod(line, &end);
        if (end == line || (*end != '\n' && *end != '\0')) {
            fprintf(stderr, "line %zu is no number\n", count + 1);
            return BAD_INPUT;
        }
        if (count == room) {
            room = room ? 2 * room : 1024;
            numbers = realloc(numbers, room * sizeof *numbers);
            if (!numbers)
                return NO_MEMORY;
        }
        numbers[count++] = number;
        sum += number;
    }
    if (count < FEWEST) {
        fprintf(stderr, "%zu numbers are too few\n", count);
        return TOO_FEW;
    }
    qsort(numbers, count, sizeof *numbers, ascending);
    double median = (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
    printf("count %zu\nmean %.2f\nmedian %.2f\n", count, sum / (double)count, median);
    return 0;
}
