#include "command/summary.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "parse/shape.h"

enum {
    SLOTS = 8192, /* a power of two */
    TEXTS_MAX = SLOTS / 2,
    SHOWN = 40 /* of each list */
};

struct counted {
    char *text;
    uint64_t hash, n, line; /* the first line of it */
};

/* Texts with how often each came, up to a bound. */
struct texts {
    struct counted slots[SLOTS];
    size_t count;
    uint64_t others;
};

struct summary {
    const struct parser_set *set;
    uint64_t by[OUTCOMES], lines;
    uint64_t (*parsers)[OUTCOMES];
    struct texts undecided, shapes, asked;
};

struct summary *summary_new(const struct parser_set *set)
{
    struct summary *s = xcalloc(1, sizeof *s);

    s->set = set;
    s->parsers = xcalloc(parser_set_count(set) + 1, sizeof *s->parsers);
    return s;
}

static void free_texts(struct texts *t)
{
    for (size_t i = 0; i < SLOTS; i++)
        free(t->slots[i].text);
}

void summary_free(struct summary *s)
{
    if (!s)
        return;
    free_texts(&s->undecided);
    free_texts(&s->shapes);
    free_texts(&s->asked);
    free(s->parsers);
    free(s);
}

/* Counts a text; how often it has come now, 0: too many others have come. */
static uint64_t count_text(struct texts *t, const char *text, uint64_t line)
{
    uint64_t hash = hash_bytes(text, strlen(text), 0);
    size_t i = hash & (SLOTS - 1);

    for (; t->slots[i].text; i = (i + 1) & (SLOTS - 1))
        if (t->slots[i].hash == hash && strcmp(t->slots[i].text, text) == 0)
            return ++t->slots[i].n;
    if (t->count == TEXTS_MAX) {
        t->others++;
        return 0;
    }
    t->count++;
    t->slots[i] = (struct counted){xstrdup(text), hash, 1, line};
    return 1;
}

void summary_add(struct summary *s, const struct matcher *m, enum outcome o, const struct event *e,
                 struct str message, uint64_t line)
{
    char text[SHAPE_MAX + 1];

    s->lines++;
    s->by[o]++;
    if (o == OUTCOME_EVENT || o == OUTCOME_IGNORED) {
        s->parsers[matcher_parser(m)][o]++;
        const struct parser_file *file = parser_set_file(s->set, matcher_parser(m));
        if (!e->source.family || matcher_decided(m) || file->verdict.from != FROM_PREFIX)
            return;
        char prefix[SHAPE_MAX + 1];
        shape_of(e->prefix, prefix);
        snprintf(text, sizeof text, "%-16s %-6s  \"%.150s\"",
                 parser_set_name(s->set, matcher_parser(m)), action_name(e->action), prefix);
        count_text(&s->undecided, text, line);
    } else if (o == OUTCOME_UNMATCHED) {
        shape_of(message, text);
        count_text(&s->shapes, text, line);
    }
}

bool summary_is_new(struct summary *s, struct str message)
{
    char text[SHAPE_MAX + 1];

    shape_of(message, text);
    return count_text(&s->asked, text, 0) == 1;
}

static int most_first(const void *a, const void *b)
{
    const struct counted *x = *(const struct counted *const *)a,
                         *y = *(const struct counted *const *)b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return x->line < y->line ? -1 : 1;
}

static void print_texts(const struct texts *t, const char *title, FILE *out)
{
    const struct counted **all = xcalloc(t->count + 1, sizeof(struct counted *));
    size_t n = 0;
    uint64_t rest = t->others;

    for (size_t i = 0; i < SLOTS; i++)
        if (t->slots[i].text)
            all[n++] = &t->slots[i];
    qsort(all, n, sizeof(struct counted *), most_first);
    if (n > 0)
        fprintf(out, "\n%s\n", title);
    for (size_t i = 0; i < n; i++)
        if (i < SHOWN)
            fprintf(out, "%10" PRIu64 "  line %-8" PRIu64 "  %s\n", all[i]->n, all[i]->line,
                    all[i]->text);
        else
            rest += all[i]->n;
    if (rest > 0)
        fprintf(out, "%10" PRIu64 "  others\n", rest);
    free(all);
}

void summary_print(const struct summary *s, const struct matcher *m, FILE *out)
{
    fprintf(out, "%10" PRIu64 "  lines\n", s->lines);
    for (enum outcome o = 0; o < OUTCOMES; o++)
        fprintf(out, "%10" PRIu64 "  %s\n", s->by[o], outcome_name(o));
    fputs("\nby parser:      event    ignored\n", out);
    for (size_t i = 0; i < parser_set_count(s->set); i++)
        if (s->parsers[i][OUTCOME_EVENT] || s->parsers[i][OUTCOME_IGNORED])
            fprintf(out, "%10s %10" PRIu64 " %10" PRIu64 "  %s\n", "", s->parsers[i][OUTCOME_EVENT],
                    s->parsers[i][OUTCOME_IGNORED], parser_set_name(s->set, i));
    for (size_t i = 0; i < parser_set_count(s->set); i++)
        if (matcher_limited(m, i))
            fprintf(out, "%10" PRIu64 "  times a pattern of %s reached its match limit\n",
                    matcher_limited(m, i), parser_set_name(s->set, i));
    print_texts(&s->undecided,
                "undecided: no rule of the verdict matched, so the parser's `otherwise` (or the "
                "default) holds;\n`prefixes:` in the configuration can tell them",
                out);
    print_texts(&s->shapes, "unmatched, by their shape:", out);
}
