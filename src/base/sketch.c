#include "base/sketch.h"

#include <math.h>

void sketch_join(struct sketch *s, const uint8_t *marks, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        sketch_add(s, (uint16_t)(marks[i] | marks[i + 1] << 8));
}

uint64_t sketch_count(const struct sketch *s)
{
    const double m = SKETCH_REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
    double sum = 0;
    unsigned empty = 0;

    for (size_t i = 0; i < SKETCH_REGISTERS; i++) {
        sum += ldexp(1.0, -s->rank[i]);
        empty += s->rank[i] == 0;
    }
    double raw = alpha * m * m / sum;
    if (raw <= 2.5 * m && empty)
        raw = m * log(m / empty);
    return (uint64_t)(raw + 0.5);
}
