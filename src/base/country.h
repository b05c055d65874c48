/* country.h - a country as a small number: ISO 3166-1 alpha-2 in base 26, and three that are none.
 * Any thread. */
#ifndef SCANTIDE_BASE_COUNTRY_H
#define SCANTIDE_BASE_COUNTRY_H

#include <errno.h>
#include <stdint.h>

#include "base/str.h"

enum {
    COUNTRY_UNKNOWN = 26 * 26 - 1, /* "ZZ": a global address that no database answers for */
    COUNTRY_LOCAL = 26 * 26,       /* "--": no global address, or none at all */
    COUNTRY_OTHER = 26 * 26 + 1,   /* "**": events whose countries are told together
                                      (store/bound.h); sorts after every country */
    COUNTRY_MAX = 26 * 26 + 2,     /* keys are below this; they index tables */
};

/* Two letters and a terminator. */
static inline const char *country_format(uint16_t key, char out[3])
{
    out[0] = key == COUNTRY_LOCAL ? '-' : key == COUNTRY_OTHER ? '*' : (char)('A' + key / 26);
    out[1] = key == COUNTRY_LOCAL ? '-' : key == COUNTRY_OTHER ? '*' : (char)('A' + key % 26);
    out[2] = 0;
    return out;
}

/* Reads two letters of either case, or "--". Returns 0, or -EINVAL with *key untouched. */
static inline int country_parse(struct str text, uint16_t *key)
{
    if (text.n != 2)
        return -EINVAL;
    if (text.p[0] == '-' && text.p[1] == '-') {
        *key = COUNTRY_LOCAL;
        return 0;
    }
    int a = (text.p[0] & ~0x20) - 'A', b = (text.p[1] & ~0x20) - 'A';
    if (a < 0 || a > 25 || b < 0 || b > 25)
        return -EINVAL;
    *key = (uint16_t)(a * 26 + b);
    return 0;
}

#endif
