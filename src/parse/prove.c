/* Parser files carry their own proof: samples with the fields they give, and lines that must be
 * refused. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "parse/fields.h"
#include "parse/matcher.h"
#include "parse/near.h"
#include "parse/reader.h"

enum { SAMPLE_YEAR = 2026 }; /* of stamps without one; their zone is UTC */

struct proof {
    const struct parser_set *set;
    struct matcher *matcher;
    struct clock_rule rule;
    struct error *err;
    char scratch[LINE_MAX_BYTES];
};

static enum outcome read_line(struct proof *p, const char *line, struct event *e)
{
    struct reader r;

    matcher_forget(p->matcher);
    reader_init(&r, p->matcher, &p->rule, INT64_MIN);
    return reader_line(&r, str_from(line), e);
}

static const char *stated(const struct sample_fields *gives, enum field_name f)
{
    static const size_t offsets[NAMES] = {
        offsetof(struct sample_fields, src),    offsetof(struct sample_fields, dst),
        offsetof(struct sample_fields, sport),  offsetof(struct sample_fields, dport),
        offsetof(struct sample_fields, proto),  offsetof(struct sample_fields, type),
        offsetof(struct sample_fields, code),   offsetof(struct sample_fields, flags),
        offsetof(struct sample_fields, in),     offsetof(struct sample_fields, out),
        offsetof(struct sample_fields, host),   offsetof(struct sample_fields, prefix),
        offsetof(struct sample_fields, action), offsetof(struct sample_fields, class),
        offsetof(struct sample_fields, port),   offsetof(struct sample_fields, time),
        offsetof(struct sample_fields, count),
    };
    return *(char *const *)(const void *)((const char *)gives + offsets[f]);
}

/* No pattern takes the sample: how near they came, which may be for the literal alone. */
static void fault_untaken(struct proof *p, size_t parser, const char *line, const char *node)
{
    const struct yamlfile *yaml = parser_set_yaml(p->set, parser);
    const struct parser_file *file = parser_set_file(p->set, parser);
    bool has_literals = file->literal || file->literals_count;
    char text[NEAR_TEXT_MAX];
    struct envelope env;
    struct near near;

    envelope_parse(str_from(line), p->scratch, &env);
    if (!near_of(p->matcher, p->set, parser, &env, &near)) {
        yamlfile_fault(yaml, node, p->err, "no pattern takes this sample: it holds no %s",
                       has_literals ? "literal of the parser, and no pattern would fit"
                                    : "tag of the parser's, `NAME:` or `NAME[PID]:`");
    } else if (near.lacks_literal && has_literals) {
        yamlfile_fault(yaml, node, p->err,
                       "pattern %zu would take this sample, but it holds no literal of the parser: "
                       "add one that all lines hold",
                       near.pattern + 1);
    } else {
        near_text(&near, file, text);
        yamlfile_fault(yaml, node, p->err, "no pattern takes this sample; pattern %zu: %s",
                       near.pattern + 1, text);
    }
}

/* A line that two parsers take needs one that says that it goes first. */
static void prove_alone(struct proof *p, size_t parser, unsigned i)
{
    const struct sample *s = &parser_set_file(p->set, parser)->samples[i];
    struct envelope env;
    struct event e;
    char node[64];

    snprintf(node, sizeof node, "samples[%u].line", i);
    envelope_parse(str_from(s->line), p->scratch, &env);
    for (size_t other = 0; other < parser_set_count(p->set); other++)
        if (other != parser && !parser_set_is_before(p->set, parser, other) &&
            matcher_takes(p->matcher, other, &env, &e))
            yamlfile_fault(parser_set_yaml(p->set, parser), node, p->err,
                           "'%s' takes this sample too: say `before: [%s]` here, or make its "
                           "patterns stricter",
                           parser_set_name(p->set, other), parser_set_name(p->set, other));
}

static void prove_before(struct proof *p, size_t parser)
{
    const struct parser_file *file = parser_set_file(p->set, parser);
    char node[64];

    for (unsigned i = 0; i < file->before_count; i++) {
        size_t other = 0;
        while (other < parser_set_count(p->set) &&
               strcmp(parser_set_name(p->set, other), file->before[i]) != 0)
            other++;
        snprintf(node, sizeof node, "before[%u]", i);
        if (other == parser_set_count(p->set))
            yamlfile_fault(parser_set_yaml(p->set, parser), node, p->err,
                           "there is no parser '%s'; `scantide parsers list` names them all",
                           file->before[i]);
    }
}

static void prove_sample(struct proof *p, size_t parser, unsigned i, bool *proven)
{
    const struct yamlfile *yaml = parser_set_yaml(p->set, parser);
    const struct sample *s = &parser_set_file(p->set, parser)->samples[i];
    struct event e;
    char node[64], got[FIELD_TEXT_MAX];
    enum outcome o = read_line(p, s->line, &e);

    snprintf(node, sizeof node, "samples[%u].line", i);
    if (o == OUTCOME_UNMATCHED || o == OUTCOME_LOST) {
        fault_untaken(p, parser, s->line, node);
        return;
    }
    if (matcher_parser(p->matcher) != parser) {
        yamlfile_fault(yaml, node, p->err, "this sample is taken by another parser, '%s'",
                       parser_set_name(p->set, matcher_parser(p->matcher)));
        return;
    }
    proven[matcher_pattern(p->matcher)] = true;
    bool packet = e.source.family != 0;
    if (s->gives.outcome && strcmp(s->gives.outcome, outcome_name(o)) != 0) {
        snprintf(node, sizeof node, "samples[%u].gives.outcome", i);
        yamlfile_fault(yaml, node, p->err, "the outcome is '%s', not '%s'", outcome_name(o),
                       s->gives.outcome);
    }
    for (enum field_name f = 0; f < NAMES; f++) {
        const char *want = stated(&s->gives, f);
        field_text(&e, f, got);
        if (!packet && f != NAME_HOST && f != NAME_TIME)
            got[0] = 0;
        if (!want || strcmp(want, got) == 0)
            continue;
        snprintf(node, sizeof node, "samples[%u].gives.%s", i, field_label(f));
        yamlfile_fault(yaml, node, p->err, "%s is '%s', not '%s'", field_label(f), got, want);
    }
}

static void prove_parser(struct proof *p, size_t parser)
{
    const struct yamlfile *yaml = parser_set_yaml(p->set, parser);
    const struct parser_file *file = parser_set_file(p->set, parser);
    unsigned patterns = file->patterns_count + file->ignores_count;
    bool *proven = xcalloc(patterns, sizeof *proven);
    struct event e;
    char node[64];

    prove_before(p, parser);
    for (unsigned i = 0; i < file->samples_count; i++) {
        size_t faults = p->err->n;
        prove_sample(p, parser, i, proven);
        if (p->err->n == faults)
            prove_alone(p, parser, i);
    }
    for (unsigned i = 0; i < patterns; i++) {
        if (i < file->patterns_count)
            snprintf(node, sizeof node, "patterns[%u]", i);
        else
            snprintf(node, sizeof node, "ignores[%u]", i - file->patterns_count);
        if (!proven[i])
            yamlfile_fault(yaml, node, p->err,
                           "no sample proves this pattern: add a line that it takes");
    }
    for (unsigned i = 0; i < file->refuses_count; i++) {
        snprintf(node, sizeof node, "refuses[%u]", i);
        enum outcome o = read_line(p, file->refuses[i], &e);
        if ((o != OUTCOME_EVENT && o != OUTCOME_IGNORED) || matcher_parser(p->matcher) != parser)
            continue;
        size_t taken = matcher_pattern(p->matcher);
        bool ignored = taken >= file->patterns_count;
        yamlfile_fault(yaml, node, p->err, "this line is to be refused, but pattern %zu%s takes it",
                       ignored ? taken - file->patterns_count + 1 : taken + 1,
                       ignored ? " of `ignores`" : "");
    }
    free(proven);
}

int parser_set_prove(const struct parser_set *set, struct error *err)
{
    size_t faults = err->n;
    struct proof p = {
        .set = set, .matcher = matcher_new(set), .rule = {.year = SAMPLE_YEAR}, .err = err};

    ASSERT(zone_open("UTC", &p.rule.zone) == 0);
    for (size_t i = 0; i < parser_set_count(set); i++)
        prove_parser(&p, i);
    matcher_free(p.matcher);
    return err->n > faults ? -EINVAL : 0;
}
