/* Pairs are read alike with the processor's wide compares and without them. */
#include "parse/pairs.h"

#include "helper.h"

/* The same source again, built without them, under other names. */
#undef __SSE2__
#define pair_table_new  plain_table_new
#define pair_table_free plain_table_free
#define pair_table_add  plain_table_add
#define pair_table_read plain_table_read
#include "../../src/parse/pairs.c"
#undef pair_table_new
#undef pair_table_free
#undef pair_table_add
#undef pair_table_read

enum { PAIRS_MAX = 64, ROUNDS = 200000 };

struct found {
    size_t n;
    unsigned numbers[PAIRS_MAX];
    struct str values[PAIRS_MAX];
};

static void note(void *context, unsigned number, struct str value)
{
    struct found *f = context;

    assert_true(f->n < PAIRS_MAX);
    f->numbers[f->n] = number;
    f->values[f->n++] = value;
}

static unsigned below(unsigned n)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static const char *const keys[] = {"a", "ab", "src", "src_ip", "a key of many bytes, over 16"};

/* Bytes that mean something, and few others, so that random text has pairs of every kind. */
static size_t random_text(char *out)
{
    static const char signs[] = " ,\t\"\\=:;#0x\n\xff";
    size_t n = 0, want = below(90);

    while (n < want) {
        const char *key = keys[below(COUNT(keys))];
        if (below(3) == 0) {
            memcpy(out + n, key, strlen(key));
            n += strlen(key);
            out[n++] = below(4) ? '=' : ':';
        } else {
            out[n++] = signs[below(sizeof signs - 1)];
        }
    }
    return n;
}

static void same_found(const struct found *a, const struct found *b, struct str text)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = a->numbers[i] == b->numbers[i] && a->values[i].p == b->values[i].p &&
               a->values[i].n == b->values[i].n;
    if (!same)
        fail_msg("read otherwise: '%.*s'", STR_ARG(text));
}

static void test_same(void **state)
{
    static const struct {
        struct str separators[4];
        size_t n;
        struct str assign;
    } forms[] = {
        {{STR(" ")}, 1, STR("=")},
        {{STR(" "), STR(",")}, 2, STR("=")},
        {{STR("\t"), STR("#0"), STR(";")}, 3, STR("=")},
        {{STR(","), STR(";"), STR("\t")}, 3, STR(":")},
        {{STR(", ")}, 1, STR(": ")},
    };
    char text[256];
    size_t all = 0;

    (void)state;
    for (size_t f = 0; f < COUNT(forms); f++) {
        struct pair_table *wide = pair_table_new(forms[f].separators, forms[f].n, forms[f].assign),
                          *plain =
                              plain_table_new(forms[f].separators, forms[f].n, forms[f].assign);
        for (unsigned k = 0; k < COUNT(keys); k++) {
            assert_true(pair_table_add(wide, str_from(keys[k]), k));
            assert_true(plain_table_add(plain, str_from(keys[k]), k));
            assert_false(pair_table_add(wide, str_from(keys[k]), k));
        }
        for (int i = 0; i < ROUNDS / (int)COUNT(forms); i++) {
            size_t n = random_text(text);
            char *exact = malloc(n ? n : 1); /* nothing behind it is read */
            assert_non_null(exact);
            memcpy(exact, text, n);
            struct found a = {.n = 0}, b = {.n = 0};
            pair_table_read(wide, (struct str){exact, n}, note, &a);
            plain_table_read(plain, (struct str){exact, n}, note, &b);
            same_found(&a, &b, (struct str){exact, n});
            all += a.n;
            free(exact);
        }
        pair_table_free(wide);
        plain_table_free(plain);
    }
    assert_true(all > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
