/* line.c - one target for what strangers write: lines through envelope, clock and all parsers.
 *
 * An input is a log: its lines are read in order by one reader, so that heads are remembered and
 * parsers guessed as in a real one. Besides what the sanitizers see, what comes out must lie within
 * the line or the reader, be printable, and the same line must give the same event again.
 *
 * `make fuzz` links it with libFuzzer; tests/unit/test_fuzz.c runs it over the kept corpus. With
 * FUZZ_SEEDS=DIR it first writes every sample and refused line of the parser files there. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "parse/fields.h"
#include "parse/reader.h"

static struct parser_set *set;
static struct matcher *matcher;
static struct reader reader;
static struct clock_rule rule = {.file_time = 1795514401};

static void write_seed(const char *folder, const char *parser, unsigned i, const char *line)
{
    char *path = xasprintf("%s/%s-%u", folder, parser, i);
    FILE *f = fopen(path, "w");

    ASSERT(f && fputs(line, f) >= 0 && fclose(f) == 0);
    free(path);
}

static void write_seeds(const char *folder)
{
    for (size_t p = 0; p < parser_set_count(set); p++) {
        const struct parser_file *file = parser_set_file(set, p);
        unsigned n = 0;
        for (unsigned i = 0; i < file->samples_count; i++)
            write_seed(folder, file->name, n++, file->samples[i].line);
        for (unsigned i = 0; i < file->refuses_count; i++)
            write_seed(folder, file->name, n++, file->refuses[i]);
    }
}

static void begin(void)
{
    struct error err = {0};
    const char *folder = getenv("FUZZ_PARSERS"), *seeds = getenv("FUZZ_SEEDS");

    set = parser_set_new();
    if (parser_set_add_folder(set, folder ? folder : "parsers", &err) < 0) {
        error_print(&err, stderr);
        exit(2);
    }
    ASSERT(parser_set_count(set) > 0 && zone_open("Europe/Berlin", &rule.zone) == 0);
    matcher = matcher_new(set);
    if (seeds)
        write_seeds(seeds);
}

static void check_text(struct str s, struct str line)
{
    bool in_line = s.p >= line.p && s.p + s.n <= line.p + line.n,
         in_reader = s.p >= reader.scratch && s.p + s.n <= reader.scratch + sizeof reader.scratch;
    /* a group's name may say a value, which is the pattern's then */
    ASSERT(s.n == 0 || in_line || in_reader || s.n < 32);
}

static void check_event(const struct event *e, enum outcome o, struct str line)
{
    char text[FIELD_TEXT_MAX];

    ASSERT(o < OUTCOMES);
    check_text(e->host, line);
    if (o != OUTCOME_EVENT && o != OUTCOME_IGNORED)
        return;
    check_text(e->in, line);
    check_text(e->out, line);
    check_text(e->prefix, line);
    for (enum field_name f = 0; f < NAMES; f++)
        field_text(e, f, text);
    ASSERT(o != OUTCOME_EVENT || (e->source.family && e->count > 0));
    ASSERT(e->class < CLASS_COUNT && e->action < ACTIONS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct event e, again;

    if (!set)
        begin();
    reader_init(&reader, matcher, &rule, INT64_MIN);
    while (rest.n) {
        const char *newline = memchr(rest.p, '\n', rest.n);
        struct str line = {rest.p, newline ? (size_t)(newline - rest.p) : rest.n};
        rest = str_skip(rest, line.n + (newline != NULL));
        enum outcome o = reader_line(&reader, line, &e);
        check_event(&e, o, line);
        size_t parser = matcher_parser(matcher);
        ASSERT(reader_line(&reader, line, &again) == o);
        ASSERT(o == OUTCOME_UNMATCHED || o == OUTCOME_LOST || matcher_parser(matcher) == parser);
    }
    return 0;
}
