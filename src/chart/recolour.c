#include "chart/recolour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* As cairo writes a part of a colour: per cent, six decimals, no zeros at the end. */
static void part_text(const char *hex, char out[static 16])
{
    unsigned v = 0;
    char digits[3] = {hex[0], hex[1], 0};

    sscanf(digits, "%x", &v);
    snprintf(out, 16, "%f", v * 100 / 255.0);
    size_t n = strlen(out);
    while (out[n - 1] == '0')
        out[--n] = 0;
    if (out[n - 1] == '.')
        out[n - 1] = 0;
}

/* Cairo 1.16 writes styles, 1.18 attributes. */
static void put_colour(FILE *f, const char *from, const char *to)
{
    static const char *const what[] = {"fill", "stroke"};
    char r[16], g[16], b[16];

    part_text(from, r);
    part_text(from + 2, g);
    part_text(from + 4, b);
    for (size_t i = 0; i < sizeof what / sizeof *what; i++)
        fprintf(f,
                "[style*=\"%s:rgb(%s%%,%s%%,%s%%)\"],[%s=\"rgb(%s%%, %s%%, %s%%)\"]"
                "{%s:#%.6s!important}",
                what[i], r, g, b, what[i], r, g, b, what[i], to);
}

static void put_list(FILE *f, char **from, unsigned from_n, char **to, unsigned to_n)
{
    for (unsigned i = 0; i < from_n && i < to_n; i++)
        put_colour(f, from[i], to[i]);
}

char *recolour_style(const struct chart_theme *from, const struct chart_theme *to)
{
    const char *const pairs[][2] = {
        {from->back, to->back}, {from->text, to->text},       {from->soft, to->soft},
        {from->axis, to->axis}, {from->unknown, to->unknown}, {from->lost, to->lost},
        {from->note, to->note}, {from->veil, to->veil},       {from->other, to->other}};
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    fputs("<style>@media (prefers-color-scheme:dark){", f);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        put_colour(f, pairs[i][0], pairs[i][1]);
    put_list(f, from->hues, from->hue_count, to->hues, to->hue_count);
    put_list(f, from->tints, from->tint_count, to->tints, to->tint_count);
    fputs("}</style>", f);
    fclose(f);
    return text;
}
