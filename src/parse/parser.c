#include "parse/parser.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/nearest.h"
#include "parse/compiled.h"

const char *const parser_fields[FIELDS] = {
    "src",    "dst",  "sport",  "dport", "proto", "type", "code", "flags", "in", "out",   "prefix",
    "action", "kind", "reason", "frag",  "count", "host", "date", "time",  "tz", "pairs",
};

struct parser_set *parser_set_new(void)
{
    return xcalloc(1, sizeof(struct parser_set));
}

static void pattern_fini(struct pattern *pat)
{
    pcre2_code_free(pat->code);
    free(pat->words);
}

static void parser_fini(struct parser *p)
{
    for (size_t i = 0; i < p->pattern_count; i++)
        pattern_fini(&p->patterns[i]);
    for (size_t i = 0; i < p->file->verdict.rules_count; i++)
        pcre2_code_free(p->rules[i]);
    for (size_t i = 0; p->values && i < p->file->pairs->keys_count; i++)
        pattern_fini(&p->values[i]);
    pair_table_free(p->pairs);
    free(p->literals);
    free(p->tags);
    free(p->programs);
    free(p->firsts);
    free(p->patterns);
    free(p->values);
    free(p->key_fields);
    free(p->rules);
    free(p->rule_fields);
    yamlfile_free(p->yaml);
}

void parser_set_free(struct parser_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->n; i++)
        parser_fini(&set->parsers[i]);
    for (size_t i = 0; i < set->prefix_count; i++)
        free(set->prefixes[i].text);
    free(set->prefixes);
    literals_free(set->literals);
    free(set->words);
    free(set->owners);
    free(set->tagged);
    free(set->parsers);
    free(set);
}

/* ---- compiling ---- */

static pcre2_code *compile(const struct parser *p, const char *text, uint32_t options,
                           const char *node, struct error *err)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);

    if (!re) {
        char why[256];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        bool comment = (options & PCRE2_EXTENDED) && !text[at] && strchr(text, '#');
        yamlfile_fault(p->yaml, node, err, "the pattern is wrong at character %zu ('%.20s'): %s%s",
                       (size_t)at + 1, text + at, why,
                       comment ? "; a # begins a comment, unless it is written \\#" : "");
    }
    return re;
}

/* The field of that name; FIELDS, with a fault, where there is none. `what`: "group" or "field". */
static enum field find_field(const struct parser *p, const char *name, const char *what,
                             const char *node, struct error *err)
{
    struct str field = {name, strcspn(name, "_")};
    enum field f = 0;

    while (f < FIELDS && !str_eq(str_from(parser_fields[f]), field))
        f++;
    if (f == FIELDS) {
        const char *near = nearest_word(str_from(name), parser_fields, FIELDS);
        yamlfile_fault(p->yaml, node, err,
                       near ? "%s '%s' is no event field; did you mean '%s'?"
                            : "%s '%s' is no event field",
                       what, name, near);
    }
    return f;
}

static int by_number(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return (int)x->number - (int)y->number;
}

/* `words`: by number of a group. */
static void keep_words(struct pattern *pat, const char *const *words)
{
    for (size_t i = 0; i < pat->group_count; i++) {
        if (!words[pat->groups[i].number])
            continue;
        if (!pat->words)
            pat->words = xcalloc(pat->group_count, sizeof *pat->words);
        pat->words[i] = words[pat->groups[i].number];
    }
}

/* Ties each named group to its field. */
static void bind_groups(const struct parser *p, struct pattern *pat, const char *node,
                        struct error *err)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;
    const char *words[256] = {0};

    pcre2_pattern_info(pat->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(pat->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(pat->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += size) {
        unsigned number = (unsigned)table[0] << 8 | table[1];
        const char *name = (const char *)table + 2;
        enum field f = find_field(p, name, "group", node, err);
        if (f == FIELDS)
            continue;
        if (pat->group_count == GROUPS_MAX || number > 255) {
            yamlfile_fault(p->yaml, node, err,
                           "group '%s' is one too many: a pattern has at most %d named groups, "
                           "among its first 255",
                           name, GROUPS_MAX);
            break;
        }
        pat->groups[pat->group_count++] = (struct group){(uint8_t)number, (uint8_t)f};
        pat->fields |= 1u << f;
        if (strchr(name, '_'))
            words[number] = strchr(name, '_') + 1;
    }
    qsort(pat->groups, pat->group_count, sizeof *pat->groups, by_number);
    keep_words(pat, words);
}

/* Compiles a pattern that is anchored where it is tried. */
static void compile_pattern(const struct parser *p, struct pattern *pat, const char *text,
                            const char *node, struct error *err)
{
    pat->code = compile(p, text, PCRE2_ANCHORED | PCRE2_EXTENDED | PCRE2_DUPNAMES, node, err);
    if (!pat->code)
        return;
    pat->jit = pcre2_jit_compile(pat->code, PCRE2_JIT_COMPLETE) == 0;
    bind_groups(p, pat, node, err);
}

static void compile_patterns(struct parser *p, struct error *err)
{
    const struct parser_file *file = p->file;
    char node[64];

    p->patterns = xcalloc((size_t)file->patterns_count + file->ignores_count, sizeof *p->patterns);
    for (unsigned i = 0; i < file->patterns_count; i++) {
        struct pattern *pat = &p->patterns[p->pattern_count++];
        snprintf(node, sizeof node, "patterns[%u]", i);
        compile_pattern(p, pat, file->patterns[i], node, err);
        bool pairs = pat->fields >> FIELD_PAIRS & 1;
        if (pairs && !file->pairs)
            yamlfile_fault(p->yaml, node, err,
                           "group 'pairs' needs the file's `pairs:`, which name its keys");
        uint32_t fields = pat->fields | (pairs ? p->pair_fields : 0);
        if (pat->code && (~fields & (1u << FIELD_SRC | 1u << FIELD_PROTO)))
            yamlfile_fault(p->yaml, node, err, "the pattern needs the groups 'src' and 'proto'");
    }
    for (unsigned i = 0; i < file->ignores_count; i++) {
        snprintf(node, sizeof node, "ignores[%u]", i);
        compile_pattern(p, &p->patterns[p->pattern_count++], file->ignores[i], node, err);
    }
    p->packet_patterns = file->patterns_count;
    for (size_t i = 0; p->pattern_count > 1 && i < p->pattern_count; i++) {
        struct pattern *pat = &p->patterns[i];
        const char *text =
            i < file->patterns_count ? file->patterns[i] : file->ignores[i - file->patterns_count];
        pat->needs = (struct str){pat->needs_text, needs_of(text, pat->needs_text)};
    }
}

static void compile_pairs(struct parser *p, struct error *err)
{
    const struct pairs *pairs = p->file->pairs;
    struct str separators[8] = {STR(" ")};
    size_t n = 0;
    char node[64];

    if (!pairs)
        return;
    for (; n < pairs->separators_count; n++)
        separators[n] = str_from(pairs->separators[n]);
    p->pairs =
        pair_table_new(separators, n ? n : 1, pairs->assign ? str_from(pairs->assign) : STR("="));
    p->values = xcalloc(pairs->keys_count, sizeof *p->values);
    p->key_fields = xcalloc(pairs->keys_count, 1);
    for (unsigned i = 0; i < pairs->keys_count; i++) {
        const struct pair_key *k = &pairs->keys[i];
        struct pattern *value = &p->values[i];
        p->key_fields[i] = FIELDS;
        snprintf(node, sizeof node, "pairs.keys[%u]", i);
        if (!k->is == !k->match)
            yamlfile_fault(p->yaml, node, err,
                           "a key needs either `is:`, the field that its value is, or `match:`, a "
                           "pattern for its value");
        if (!pair_table_add(p->pairs, str_from(k->key), i))
            yamlfile_fault(p->yaml, node, err, "key '%s' stands here twice", k->key);
        if (k->is) {
            snprintf(node, sizeof node, "pairs.keys[%u].is", i);
            p->key_fields[i] = (uint8_t)find_field(p, k->is, "field", node, err);
            value->fields = 1u << p->key_fields[i];
        } else if (k->match) {
            snprintf(node, sizeof node, "pairs.keys[%u].match", i);
            compile_pattern(p, value, k->match, node, err);
        }
        p->pair_fields |= value->fields;
    }
}

static enum field source_field(enum verdict_source s)
{
    static const enum field fields[VERDICT_SOURCES] = {
        [FROM_PREFIX] = FIELD_PREFIX,
        [FROM_ACTION] = FIELD_ACTION,
        [FROM_KIND] = FIELD_KIND,
        [FROM_REASON] = FIELD_REASON,
    };
    return fields[s];
}

static void compile_verdict(struct parser *p, struct error *err)
{
    const struct verdict *v = &p->file->verdict;
    char node[64];

    p->rules = xcalloc(v->rules_count, sizeof *p->rules);
    p->rule_fields = xcalloc(v->rules_count, sizeof *p->rule_fields);
    p->sources = 1u << source_field(v->from);
    for (unsigned i = 0; i < v->rules_count; i++) {
        snprintf(node, sizeof node, "verdict.rules[%u].match", i);
        p->rules[i] = compile(p, v->rules[i].match, PCRE2_CASELESS, node, err);
        if (p->rules[i]) /* pcre2_match() takes the fast way by itself */
            pcre2_jit_compile(p->rules[i], PCRE2_JIT_COMPLETE);
        p->rule_fields[i] = (uint8_t)source_field(v->rules[i].of ? *v->rules[i].of : v->from);
        p->sources |= 1u << p->rule_fields[i];
    }
}

static struct str *strings_of(char *const *list, unsigned n)
{
    struct str *strings = xcalloc((size_t)n + 1, sizeof *strings);

    for (unsigned i = 0; i < n; i++)
        strings[i] = str_from(list[i]);
    return strings;
}

static void compile_literals(struct parser *p, struct error *err)
{
    const struct parser_file *file = p->file;

    p->tag_count = file->tags_count;
    p->tags = strings_of(file->tags, file->tags_count);
    p->program_count = file->programs_count;
    p->programs = strings_of(file->programs, file->programs_count);
    p->literals = xcalloc((size_t)file->literals_count + 1, sizeof *p->literals);
    if (file->literal)
        p->literals[p->literal_count++] = str_from(file->literal);
    for (unsigned i = 0; i < file->literals_count; i++)
        p->literals[p->literal_count++] = str_from(file->literals[i]);
    if (p->literal_count == 0 && file->tags_count == 0)
        yamlfile_fault(p->yaml, "", err,
                       "a parser needs `literal:` or `literals:`, bytes that each of its lines "
                       "holds, or `tags:`, the names of its logger");
    if (p->literal_count == 0 && file->anchor == ANCHOR_LITERAL && file->tags_count > 0)
        p->anchor = ANCHOR_MESSAGE;
    else
        p->anchor = file->anchor;
}

static void compile_parser(struct parser *p, struct error *err)
{
    p->match_limit = p->file->match_limit ? p->file->match_limit : MATCH_LIMIT;
    compile_literals(p, err);
    compile_pairs(p, err);
    compile_patterns(p, err);
    compile_verdict(p, err);
}

/* ---- the order of trial ---- */

static bool goes_before(const struct parser *a, const struct parser *b)
{
    for (unsigned i = 0; i < a->file->before_count; i++)
        if (strcmp(a->file->before[i], b->file->name) == 0)
            return true;
    return false;
}

/* The first of parsers[from..] that none behind it wants to go before; set->n: they go in a
 * ring. */
static size_t next_in_order(const struct parser_set *set, size_t from)
{
    for (size_t i = from; i < set->n; i++) {
        size_t other = from;
        while (other < set->n &&
               (other == i || !goes_before(&set->parsers[other], &set->parsers[i])))
            other++;
        if (other == set->n)
            return i;
    }
    return set->n;
}

/* The user's before the shipped, by name, but for what says `before`. */
static void put_in_order(struct parser_set *set, struct error *err)
{
    for (size_t at = 0; at < set->n; at++) {
        size_t next = next_in_order(set, at);
        if (next == set->n) {
            yamlfile_fault(set->parsers[at].yaml, "before", err,
                           "these parsers want to go before each other in a ring");
            return;
        }
        struct parser p = set->parsers[next];
        memmove(&set->parsers[at + 1], &set->parsers[at], (next - at) * sizeof p);
        set->parsers[at] = p;
    }
}

/* Marks those that must go before parser i, and those before them. */
static void mark_firsts(const struct parser_set *set, size_t i, bool *marked)
{
    for (size_t k = 0; k < set->n; k++)
        if (!marked[k] && goes_before(&set->parsers[k], &set->parsers[i])) {
            marked[k] = true;
            mark_firsts(set, k, marked);
        }
}

static void find_firsts(struct parser_set *set)
{
    bool *marked = xcalloc(set->n + 1, sizeof *marked);

    for (size_t i = 0; i < set->n; i++) {
        struct parser *p = &set->parsers[i];
        p->firsts = xrealloc(p->firsts, set->n, sizeof *p->firsts);
        p->first_count = 0;
        memset(marked, 0, set->n * sizeof *marked);
        mark_firsts(set, i, marked);
        for (size_t k = 0; k < i; k++)
            if (marked[k])
                p->firsts[p->first_count++] = (uint16_t)k;
    }
    free(marked);
}

static int is_parser_file(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

static bool holds_file(const struct parser_set *set, const char *base)
{
    for (size_t i = 0; i < set->n; i++) {
        const char *path = yamlfile_path(set->parsers[i].yaml), *slash = strrchr(path, '/');
        if (strcmp(slash ? slash + 1 : path, base) == 0)
            return true;
    }
    return false;
}

static void add_file(struct parser_set *set, const char *path, struct error *err)
{
    struct parser p = {0};

    if (parser_file_load(path, &p.yaml, err) < 0)
        return;
    p.file = yamlfile_value(p.yaml);
    compile_parser(&p, err);
    set->parsers = xrealloc(set->parsers, set->n + 1, sizeof *set->parsers);
    set->parsers[set->n++] = p;
}

static void index_literals(struct parser_set *set, struct error *err)
{
    size_t n = 0;

    set->tagged = xrealloc(set->tagged, set->n + 1, sizeof *set->tagged);
    set->tagged_count = 0;
    for (size_t i = 0; i < set->n; i++) {
        set->parsers[i].first_literal = n;
        n += set->parsers[i].literal_count;
        if (set->parsers[i].file->tags_count > 0)
            set->tagged[set->tagged_count++] = (uint16_t)i;
    }
    literals_free(set->literals);
    set->literals = NULL;
    set->words = xrealloc(set->words, n + 1, sizeof *set->words);
    set->owners = xrealloc(set->owners, n + 1, sizeof *set->owners);
    if (n > LITERALS_MAX) {
        error_add(err, NULL, 0, 0,
                  "the parser files have %zu literals together, at most %d are meant", n,
                  LITERALS_MAX);
        n = 0;
    }
    for (size_t i = 0; n > 0 && i < set->n; i++)
        for (size_t k = 0; k < set->parsers[i].literal_count; k++) {
            set->words[set->parsers[i].first_literal + k] = set->parsers[i].literals[k];
            set->owners[set->parsers[i].first_literal + k] = (uint16_t)i;
        }
    set->word_count = n;
    set->literals = literals_new(set->words, n);
}

/* After files have come. */
static void finish(struct parser_set *set, struct error *err)
{
    put_in_order(set, err);
    find_firsts(set);
    index_literals(set, err);
}

int parser_set_add_file(struct parser_set *set, const char *path, struct error *err)
{
    size_t faults = err->n;

    add_file(set, path, err);
    finish(set, err);
    return err->n > faults ? -EINVAL : 0;
}

int parser_set_add_folder(struct parser_set *set, const char *folder, struct error *err)
{
    struct dirent **names;
    size_t faults = err->n;
    int n = scandir(folder, &names, is_parser_file, alphasort);

    if (n < 0) {
        if (errno == ENOENT)
            return 0;
        error_add(err, folder, 0, 0, "the folder of parser files can't be read: %s",
                  strerror(errno));
        return -EINVAL;
    }
    for (int i = 0; i < n; i++) {
        char *path = xasprintf("%s/%s", folder, names[i]->d_name);
        if (!holds_file(set, names[i]->d_name))
            add_file(set, path, err);
        free(path);
        free(names[i]);
    }
    free(names);
    finish(set, err);
    return err->n > faults ? -EINVAL : 0;
}

void parser_set_add_prefix(struct parser_set *set, const char *prefix, enum action action)
{
    set->prefixes = xrealloc(set->prefixes, set->prefix_count + 1, sizeof *set->prefixes);
    set->prefixes[set->prefix_count++] = (struct prefix_rule){xstrdup(prefix), action};
}

bool parser_set_is_before(const struct parser_set *set, size_t first, size_t then)
{
    const struct parser *p = &set->parsers[then];

    for (size_t i = 0; i < p->first_count; i++)
        if (p->firsts[i] == first)
            return true;
    return false;
}

bool parser_set_is_slow(const struct parser_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        for (size_t k = 0; k < set->parsers[i].pattern_count; k++)
            if (!set->parsers[i].patterns[k].jit)
                return true;
    return false;
}

size_t parser_set_count(const struct parser_set *set)
{
    return set->n;
}

const char *parser_set_name(const struct parser_set *set, size_t i)
{
    return set->parsers[i].file->name;
}

const char *parser_set_path(const struct parser_set *set, size_t i)
{
    return yamlfile_path(set->parsers[i].yaml);
}

const struct parser_file *parser_set_file(const struct parser_set *set, size_t i)
{
    return set->parsers[i].file;
}

const struct yamlfile *parser_set_yaml(const struct parser_set *set, size_t i)
{
    return set->parsers[i].yaml;
}
