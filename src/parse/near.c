#include "parse/near.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/find.h"
#include "parse/compiled.h"

enum {
    PLACES_MAX = 8,
    CONTEXT = 40 /* bytes of the line around the place where it broke off */
};

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

/* Which of a fitting pattern's values makes no packet. */
static void find_misfit(struct matcher *m, const struct envelope *env, struct near *n)
{
    struct event e;
    enum field f;

    if (matcher_takes(m, n->parser, env, &e) || !matcher_misfit(m, &n->pattern, &f, &n->value))
        return;
    n->field = parser_fields[f];
}

static bool find_one(const struct search *s, const struct parser_set *set, size_t parser,
                     const struct envelope *env, struct near *out)
{
    const struct parser *p = &set->parsers[parser];

    *out = (struct near){.parser = parser};
    pcre2_set_match_limit(s->context, p->match_limit);
    if (try_parser(s, p, env, out)) {
        if (out->fits)
            find_misfit(s->matcher, env, out);
        return true;
    }
    out->lacks_literal = matcher_lacks_literal(s->matcher, parser, env, &out->pattern);
    out->fitting = env->message;
    return out->lacks_literal;
}

static void search_init(struct search *s, struct matcher *m)
{
    *s = (struct search){m, pcre2_match_data_create(256, NULL), pcre2_match_context_create(NULL)};
    ASSERT(s->data && s->context);
}

static void search_fini(struct search *s)
{
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
}

bool near_of(struct matcher *m, const struct parser_set *set, size_t parser,
             const struct envelope *env, struct near *out)
{
    struct search s;

    search_init(&s, m);
    bool found = find_one(&s, set, parser, env, out);
    search_fini(&s);
    return found;
}

static int farthest_first(const void *a, const void *b)
{
    const struct near *x = a, *y = b;
    return (x->fitting.n < y->fitting.n) - (x->fitting.n > y->fitting.n);
}

size_t near_find(struct matcher *m, const struct parser_set *set, const struct envelope *env,
                 struct near *out, size_t max)
{
    struct near *all = xcalloc(set->n + 1, sizeof *all);
    struct search s;
    size_t n = 0;

    search_init(&s, m);
    for (size_t i = 0; i < set->n; i++)
        n += find_one(&s, set, i, env, &all[n]) && all[n].fitting.n > 0;
    search_fini(&s);
    qsort(all, n, sizeof *all, farthest_first);
    n = n < max ? n : max;
    memcpy(out, all, n * sizeof *out);
    free(all);
    return n;
}

/* ---- in words ---- */

/* A stranger's bytes: control bytes become '?'. */
static size_t put(char *out, size_t at, struct str s)
{
    for (size_t i = 0; i < s.n && at + 1 < NEAR_TEXT_MAX; i++)
        out[at++] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
    out[at] = 0;
    return at;
}

static struct str first_of(char *const *list, unsigned n)
{
    return n ? str_from(list[0]) : STR("");
}

static void put_lack(const struct parser_file *file, char *out)
{
    bool logger = !file->literal && file->literals_count == 0;
    size_t at = put(out, 0, STR("it would fit, but "));

    at = put(out, at,
             logger ? STR("the line's logger is not '") : STR("the line lacks the literal '"));
    at = put(out, at,
             file->literal ? str_from(file->literal)
             : logger      ? first_of(file->tags, file->tags_count)
                           : first_of(file->literals, file->literals_count));
    put(out, at, STR("'"));
}

static void put_misfit(const struct near *n, char *out, size_t at)
{
    if (!n->field) { /* it wasn't even tried */
        put(out, at, STR(", but this logger's lines are not for it (`tags`, `programs`)"));
    } else if (n->value.n) {
        at = put(out, at, STR(", but '"));
        at = put(out, at, (struct str){n->value.p, n->value.n < CONTEXT ? n->value.n : CONTEXT});
        at = put(out, at, STR("' is no "));
        put(out, at, str_from(n->field));
    } else {
        at = put(out, at, STR(", but tells no "));
        put(out, at, str_from(n->field));
    }
}

void near_text(const struct near *n, const struct parser_file *file, char out[NEAR_TEXT_MAX])
{
    size_t cut = n->fitting.n > CONTEXT ? n->fitting.n - CONTEXT : 0, at = 0;

    if (n->lacks_literal) {
        put_lack(file, out);
        return;
    }
    at = put(out, at, n->fits ? STR("it fits ") : STR("it could fit "));
    at = put(out, at, cut ? STR("...") : STR(""));
    at = put(out, at, str_skip(n->fitting, cut));
    at = put(out, at,
             !n->rest.n ? STR(" | and the line ends")
             : n->fits  ? STR(" | then ")
                        : STR(" | but not "));
    at = put(out, at, (struct str){n->rest.p, n->rest.n < CONTEXT ? n->rest.n : CONTEXT});
    if (n->fits)
        put_misfit(n, out, n->rest.n ? put(out, at, STR(" |")) : at);
}
