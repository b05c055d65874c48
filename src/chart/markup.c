#include "chart/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* Length of the UTF-8 sequence at s, 1 for a byte that begins none. */
static size_t sequence(const char *s)
{
    unsigned char c = (unsigned char)*s;
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 1;
    return n;
}

/* The character that a sequence of three bytes stands for. */
static unsigned character(const char *s)
{
    const unsigned char *c = (const unsigned char *)s;

    return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
}

/* Characters of the East that are twice as wide as a letter. */
static bool is_wide(const char *s)
{
    static const unsigned spans[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},
                                        {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff00, 0xff60},
                                        {0xffe0, 0xffe6}};
    unsigned c = sequence(s) == 3 ? character(s) : 0;

    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        if (c >= spans[i][0] && c <= spans[i][1])
            return true;
    return false;
}

size_t markup_columns(const char *s)
{
    size_t n = 0;

    for (; *s; s += sequence(s))
        n += is_wide(s) ? 2 : 1;
    return n;
}

char *markup_right(const char *text, size_t columns)
{
    size_t n = markup_columns(text);

    return xasprintf("%*s%s", (int)(n < columns ? columns - n : 0), "", text);
}

char *markup_text(const char *text, size_t most)
{
    char *out = NULL;
    size_t size, n = 0;
    FILE *f = open_memstream(&out, &size);

    ASSERT(f);
    for (size_t step, columns; *text; text += step, n += columns) {
        unsigned char c = (unsigned char)*text;
        step = sequence(text);
        columns = is_wide(text) ? 2 : 1;
        if (text[step] ? n + columns >= most : n + columns > most) {
            fputs(ELLIPSIS, f);
            break;
        }
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && step == 1))
            fputc('?', f);
        else if (step == 1 && strchr("&<>'\":%\\=", c))
            fprintf(f, "&#%u;", c);
        else
            fwrite(text, 1, step, f);
    }
    fclose(f);
    return out;
}

/* Pango takes half of a letter's spacing away at a line's ends, hence the
 * characters of no width about it. */
void markup_put_space(FILE *f, double pixels)
{
    fprintf(f,
            "<span size=\"1024\">" MARKUP_NO_WIDTH
            "<span letter_spacing=\"%.0f\"> </span>" MARKUP_NO_WIDTH "</span>",
            pixels * 1024);
}

void markup_put_line_end(FILE *f)
{
    fputs("<span size=\"1024\">" MARKUP_LINE_SEPARATOR "</span>", f);
}

void markup_put_text(FILE *f, const char *attributes, double points, const char *colour,
                     const char *text)
{
    char *m = markup_text(text, SIZE_MAX);

    fprintf(f, "<span size=\"%.0f\" foreground=\"#%.6s\"%s>%s</span>", points * 1024, colour,
            attributes, m);
    free(m);
}
