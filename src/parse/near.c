#include "parse/near.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/find.h"
#include "parse/compiled.h"

enum { PLACES_MAX = 8 };

struct search {
    struct matcher *matcher;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

/* Whether a pattern that is tried at `at` fits the text's first `n` bytes, or could with more. */
static bool could_fit(const struct search *s, const struct pattern *pat, struct str text, size_t at,
                      size_t n)
{
    int rc = pcre2_match(pat->code, (PCRE2_SPTR)text.p, n, at, PCRE2_PARTIAL_HARD | PCRE2_NO_JIT,
                         s->data, s->context);
    return rc >= 0 || rc == PCRE2_ERROR_PARTIAL;
}

/* What could fit n bytes could fit fewer: so the most are found by halves. */
static size_t longest(const struct search *s, const struct pattern *pat, struct str text, size_t at)
{
    size_t fits = at, fails = text.n + 1;

    while (fits + 1 < fails) {
        size_t middle = fits + (fails - fits) / 2;
        if (could_fit(s, pat, text, at, middle))
            fits = middle;
        else
            fails = middle;
    }
    return fits;
}

static void try_place(const struct search *s, const struct parser *p, struct str text, size_t at,
                      struct near *best)
{
    for (size_t i = 0; i < p->file->patterns_count; i++) {
        const struct pattern *pat = &p->patterns[i];
        size_t end = longest(s, pat, text, at);
        bool fits = pcre2_match(pat->code, (PCRE2_SPTR)text.p, text.n, at, PCRE2_NO_JIT, s->data,
                                s->context) >= 0;
        if (fits)
            end = pcre2_get_ovector_pointer(s->data)[1];
        if (best->fitting.p && end - at <= best->fitting.n)
            continue;
        best->pattern = i;
        best->fitting = (struct str){text.p + at, end - at};
        best->rest = str_skip(text, end);
        best->fits = fits;
    }
}

static bool has_tag(const struct parser *p, struct str tag)
{
    for (unsigned i = 0; i < p->file->tags_count; i++)
        if (str_eq(tag, str_from(p->file->tags[i])))
            return true;
    return false;
}

/* Tries a parser where it would have been tried; false where it wouldn't. */
static bool try_parser(const struct search *s, const struct parser *p, const struct envelope *env,
                       struct near *best)
{
    int places = 0;

    if (has_tag(p, env->tag))
        try_place(s, p, env->body, 0, best);
    for (size_t l = 0; l < p->literal_count; l++)
        for (long at = find_literal(env->message, 0, p->literals[l]);
             at >= 0 && places++ < PLACES_MAX;
             at = find_literal(env->message, (size_t)at + 1, p->literals[l])) {
            bool start = p->anchor == ANCHOR_MESSAGE;
            try_place(s, p, env->message, start ? 0 : (size_t)at, best);
            if (start)
                return true;
        }
    return best->fitting.p != NULL;
}

static int farthest_first(const void *a, const void *b)
{
    const struct near *x = a, *y = b;
    return (x->fitting.n < y->fitting.n) - (x->fitting.n > y->fitting.n);
}

size_t near_find(struct matcher *m, const struct parser_set *set, const struct envelope *env,
                 struct near *out, size_t max)
{
    struct search s = {m, pcre2_match_data_create(256, NULL), pcre2_match_context_create(NULL)};
    struct near *all = xcalloc(set->n + 1, sizeof *all);
    size_t n = 0;

    ASSERT(s.data && s.context);
    for (size_t i = 0; i < set->n; i++) {
        struct near *one = &all[n];
        *one = (struct near){.parser = i};
        pcre2_set_match_limit(s.context, set->parsers[i].match_limit);
        if (try_parser(&s, &set->parsers[i], env, one)) {
            n += one->fitting.n > 0;
        } else if (matcher_lacks_literal(m, i, env, &one->pattern)) {
            one->lacks_literal = true;
            one->fitting = env->message;
            n++;
        }
    }
    qsort(all, n, sizeof *all, farthest_first);
    n = n < max ? n : max;
    memcpy(out, all, n * sizeof *out);
    free(all);
    pcre2_match_data_free(s.data);
    pcre2_match_context_free(s.context);
    return n;
}
