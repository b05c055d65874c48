#include "parse/parser.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <dirent.h>
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/find.h"
#include "base/hash.h"
#include "base/nearest.h"

enum field {
    FIELD_SRC,
    FIELD_DST,
    FIELD_SPORT,
    FIELD_DPORT,
    FIELD_PROTO,
    FIELD_TYPE,
    FIELD_CODE,
    FIELD_FLAGS,
    FIELD_IN,
    FIELD_OUT,
    FIELD_PREFIX,
    FIELD_ACTION,
    FIELD_FRAG,
    FIELD_COUNT,
    FIELDS
};

static const char *const field_names[FIELDS] = {
    "src",   "dst", "sport", "dport",  "proto",  "type", "code",
    "flags", "in",  "out",   "prefix", "action", "frag", "count",
};

enum {
    GROUPS_MAX =
        32, /* groups of one field in one pattern, of which the first that matched counts */
    MATCH_LIMIT = 100000,
    PLACES_MAX = 64,    /* of a literal in a line; a LOG prefix of 127 bytes holds 42 "IN=" */
    PREFIX_SLOTS = 256, /* a power of two */
    PREFIX_KEPT = 96,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 512 * 1024
};

struct pattern {
    pcre2_code *code;
    bool jit;
    uint8_t groups[FIELDS][GROUPS_MAX]; /* 0: none */
    /* What a group "FIELD_WORD" says where it matches, whatever it matched; p is NULL for others. */
    struct str words[FIELDS][GROUPS_MAX];
};

struct parser {
    struct yamlfile *yaml;
    const struct parser_file *file;
    struct str literal;
    struct pattern *patterns;
    size_t pattern_count;
    pcre2_code **rules; /* of file->verdict */
};

struct prefix_rule {
    char *text;
    enum action action;
};

struct parser_set {
    struct parser *parsers;
    size_t n;
    struct prefix_rule *prefixes;
    size_t prefix_count;
};

/* The verdict of a prefix, remembered: sensors have a handful of them. */
struct prefix_slot {
    const struct parser *parser;
    uint8_t len;
    uint8_t action;
    char text[PREFIX_KEPT];
};

struct matcher {
    const struct parser_set *set;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    size_t parser, pattern;
    struct prefix_slot slots[PREFIX_SLOTS];
};

struct parser_set *parser_set_new(void)
{
    return xcalloc(1, sizeof(struct parser_set));
}

static void parser_fini(struct parser *p)
{
    for (size_t i = 0; i < p->pattern_count; i++)
        pcre2_code_free(p->patterns[i].code);
    for (size_t i = 0; i < p->file->verdict.rules_count; i++)
        pcre2_code_free(p->rules[i]);
    free(p->patterns);
    free(p->rules);
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
        yamlfile_fault(p->yaml, node, err, "the pattern is wrong at character %zu ('%.20s'): %s",
                       (size_t)at + 1, text + at, why);
    }
    return re;
}

/* Ties each named group to its field. */
static void bind_groups(const struct parser *p, struct pattern *pat, const char *node,
                        struct error *err)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;

    pcre2_pattern_info(pat->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(pat->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(pat->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++, table += size) {
        unsigned group = (unsigned)table[0] << 8 | table[1];
        const char *name = (const char *)table + 2, *word = strchr(name, '_');
        struct str field = word ? (struct str){name, (size_t)(word - name)} : str_from(name);
        size_t f = 0, slot = 0;
        while (f < FIELDS && !str_eq(str_from(field_names[f]), field))
            f++;
        if (f == FIELDS) {
            const char *near = nearest_word(str_from(name), field_names, FIELDS);
            yamlfile_fault(p->yaml, node, err,
                           near ? "group '%s' is no event field; did you mean '%s'?"
                                : "group '%s' is no event field",
                           name, near);
            continue;
        }
        while (slot < GROUPS_MAX && pat->groups[f][slot])
            slot++;
        if (slot == GROUPS_MAX || group > 255)
            yamlfile_fault(p->yaml, node, err,
                           "group '%s' stands more than %d times, or after 255 groups", name,
                           GROUPS_MAX);
        else
            pat->groups[f][slot] = (uint8_t)group;
        if (slot < GROUPS_MAX && word)
            pat->words[f][slot] = str_from(word + 1);
    }
    if (!pat->groups[FIELD_SRC][0] || !pat->groups[FIELD_PROTO][0])
        yamlfile_fault(p->yaml, node, err, "the pattern needs the groups 'src' and 'proto'");
}

static void compile_verdict(struct parser *p, struct error *err)
{
    const struct verdict *v = &p->file->verdict;
    char node[64];

    p->rules = xcalloc(v->rules_count, sizeof *p->rules);
    for (unsigned i = 0; i < v->rules_count; i++) {
        snprintf(node, sizeof node, "verdict.rules[%u].match", i);
        p->rules[i] = compile(p, v->rules[i].match, PCRE2_CASELESS, node, err);
    }
}

static void compile_parser(struct parser *p, struct error *err)
{
    char node[64];

    p->literal = str_from(p->file->literal);
    p->patterns = xcalloc(p->file->patterns_count, sizeof *p->patterns);
    for (unsigned i = 0; i < p->file->patterns_count; i++) {
        struct pattern *pat = &p->patterns[p->pattern_count++];
        snprintf(node, sizeof node, "patterns[%u]", i);
        pat->code = compile(p, p->file->patterns[i],
                            PCRE2_ANCHORED | PCRE2_EXTENDED | PCRE2_DUPNAMES, node, err);
        if (!pat->code)
            continue;
        pat->jit = pcre2_jit_compile(pat->code, PCRE2_JIT_COMPLETE) == 0;
        bind_groups(p, pat, node, err);
    }
    compile_verdict(p, err);
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
        struct parser p = {0};
        if (!holds_file(set, names[i]->d_name) && parser_file_load(path, &p.yaml, err) == 0) {
            p.file = yamlfile_value(p.yaml);
            compile_parser(&p, err);
            set->parsers = xrealloc(set->parsers, set->n + 1, sizeof *set->parsers);
            set->parsers[set->n++] = p;
        }
        free(path);
        free(names[i]);
    }
    free(names);
    return err->n > faults ? -EINVAL : 0;
}

void parser_set_add_prefix(struct parser_set *set, const char *prefix, enum action action)
{
    set->prefixes = xrealloc(set->prefixes, set->prefix_count + 1, sizeof *set->prefixes);
    set->prefixes[set->prefix_count++] = (struct prefix_rule){xstrdup(prefix), action};
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

/* ---- matching ---- */

struct matcher *matcher_new(const struct parser_set *set)
{
    struct matcher *m = xcalloc(1, sizeof *m);

    m->set = set;
    m->data = pcre2_match_data_create(256, NULL);
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    ASSERT(m->data && m->context && m->stack);
    pcre2_set_match_limit(m->context, MATCH_LIMIT);
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

static bool run(struct matcher *m, const pcre2_code *code, bool jit, struct str text, size_t from)
{
    int rc = jit ? pcre2_jit_match(code, (PCRE2_SPTR)text.p, text.n, from, 0, m->data, m->context)
                 : pcre2_match(code, (PCRE2_SPTR)text.p, text.n, from, 0, m->data, m->context);
    return rc >= 0;
}

/* What a field's first matched group holds; p is NULL where none did. */
static inline struct str group(const struct matcher *m, const struct pattern *pat, struct str text,
                               enum field f)
{
    const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(m->data);

    for (int i = 0; i < GROUPS_MAX && pat->groups[f][i]; i++) {
        unsigned g = pat->groups[f][i];
        if (ov[2 * g] != PCRE2_UNSET)
            return pat->words[f][i].p ? pat->words[f][i]
                                      : (struct str){text.p + ov[2 * g], ov[2 * g + 1] - ov[2 * g]};
    }
    return (struct str){0};
}

/* All of `s` as a number up to `max`; -1 otherwise. */
static inline long number(struct str s, long max)
{
    long v = 0;

    if (s.n == 0 || s.n > 10)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9)
            return -1;
        v = v * 10 + d;
    }
    return v <= max ? v : -1;
}

struct protocol {
    const char *name;
    uint8_t number;
};

/* The names of /etc/protocols (IANA) that firewalls write; the first of a number is the one we
 * write. */
static const struct protocol protocols[] = {
    {"tcp", 6},        {"udp", 17},   {"icmp", 1},   {"ipv6-icmp", 58}, {"icmpv6", 58},
    {"icmp6", 58},     {"igmp", 2},   {"ipip", 4},   {"ipencap", 4},    {"ipv6", 41},
    {"gre", 47},       {"esp", 50},   {"ah", 51},    {"ospf", 89},      {"ospfigp", 89},
    {"pim", 103},      {"vrrp", 112}, {"carp", 112}, {"sctp", 132},     {"udplite", 136},
    {"udp-lite", 136}, {"ip", 0},     {"hopopt", 0}, {"ipcomp", 108},   {"l2tp", 115},
};

const char *protocol_name(uint8_t protocol, char out[8])
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (protocols[i].number == protocol)
            return protocols[i].name;
    snprintf(out, 8, "%u", protocol);
    return out;
}

static int protocol_number(struct str s)
{
    if (str_eq(s, STR("TCP")))
        return 6;
    if (str_eq(s, STR("UDP")))
        return 17;
    long v = number(s, 255);
    if (v >= 0)
        return (int)v;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strlen(protocols[i].name) == s.n && strncasecmp(protocols[i].name, s.p, s.n) == 0)
            return protocols[i].number;
    return -1;
}

/* One word of flags: a name ("SYN"), or letters as pf, tcpdump and ipmon write them ("S", "PA",
 * "S."); any other word says nothing. */
static uint8_t read_flag_word(const char *p, size_t n)
{
    static const struct {
        char name[4];
        uint8_t bit;
    } names[] = {{"SYN", TCP_SYN}, {"ACK", TCP_ACK}, {"RST", TCP_RST}, {"FIN", TCP_FIN},
                 {"PSH", TCP_PSH}, {"URG", TCP_URG}, {"ECE", TCP_ECE}, {"CWR", TCP_CWR}};
    static const char letters[] = "SA.RFPUEWC";
    static const uint8_t bits[] = {TCP_SYN, TCP_ACK, TCP_ACK, TCP_RST, TCP_FIN,
                                   TCP_PSH, TCP_URG, TCP_ECE, TCP_CWR, TCP_CWR};
    uint8_t set = 0;

    for (size_t f = 0; n == 3 && f < sizeof names / sizeof *names; f++)
        if (strncasecmp(p, names[f].name, 3) == 0)
            return names[f].bit;
    for (size_t i = 0; i < n; i++) {
        const char *at = memchr(letters, p[i], sizeof letters - 1);
        if (!at)
            return 0;
        set |= bits[at - letters];
    }
    return set;
}

static uint8_t read_flags(struct str s)
{
    uint8_t set = 0;

    for (size_t i = 0, from; i < s.n;) {
        while (i < s.n && (s.p[i] == ' ' || s.p[i] == ',' || s.p[i] == '-'))
            i++;
        for (from = i; i < s.n && s.p[i] != ' ' && s.p[i] != ',' && s.p[i] != '-';)
            i++;
        set |= read_flag_word(s.p + from, i - from);
    }
    return set;
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static enum action judge(struct matcher *m, const struct parser *p, struct str text)
{
    for (size_t i = 0; i < m->set->prefix_count; i++)
        if (find_literal(text, 0, str_from(m->set->prefixes[i].text)) >= 0)
            return m->set->prefixes[i].action;
    const struct verdict *v = &p->file->verdict;
    for (size_t i = 0; i < v->rules_count; i++)
        if (run(m, p->rules[i], false, text, 0))
            return v->rules[i].action;
    return v->otherwise;
}

static enum action verdict(struct matcher *m, const struct parser *p, struct str text)
{
    if (text.n > PREFIX_KEPT)
        return judge(m, p, text);
    struct prefix_slot *slot = &m->slots[hash_bytes(text.p, text.n, 0) & (PREFIX_SLOTS - 1)];
    if (slot->parser != p || slot->len != text.n || memcmp(slot->text, text.p, text.n) != 0) {
        slot->action = (uint8_t)judge(m, p, text);
        slot->parser = p;
        slot->len = (uint8_t)text.n;
        memcpy(slot->text, text.p, text.n);
    }
    return slot->action;
}

/* A group that matched nothing: the line is whole and doesn't tell. */
static inline bool untold(struct str s)
{
    return s.p && s.n == 0;
}

/* Some write "ICMP" of either family. */
static int of_family(int proto, const struct ip *source)
{
    return proto == 1 && source->family == 6 ? 58 : proto;
}

static inline void read_ports(const struct matcher *m, const struct pattern *pat, struct str text,
                              struct event *e)
{
    long from = number(group(m, pat, text, FIELD_SPORT), 65535),
         to = number(group(m, pat, text, FIELD_DPORT), 65535);

    e->has_ports = from >= 0 && to >= 0;
    if (!e->has_ports)
        return;
    e->source_port = (uint16_t)from;
    e->destination_port = (uint16_t)to;
}

/* Protocol, ports and ICMP type from the groups; false where they don't fit together, which is how
 * a line cut short looks. */
static bool read_transport(const struct matcher *m, const struct pattern *pat, struct str text,
                           struct event *e)
{
    struct str told = group(m, pat, text, FIELD_PROTO);
    int proto = untold(told) ? 0 : protocol_number(told);

    if (proto < 0)
        return false;
    proto = of_family(proto, &e->source);
    e->protocol = (uint8_t)proto;
    e->is_fragment = group(m, pat, text, FIELD_FRAG).p != NULL;
    read_ports(m, pat, text, e);
    if (proto == 6 || proto == 17) {
        if (!e->has_ports)
            return e->is_fragment || untold(group(m, pat, text, FIELD_DPORT));
        struct str flags = proto == 6 ? group(m, pat, text, FIELD_FLAGS) : (struct str){0};
        e->has_flags = flags.p != NULL;
        e->tcp_flags = read_flags(flags);
    } else if (proto == 1 || proto == 58) {
        e->has_ports = false;
        struct str kind = group(m, pat, text, FIELD_TYPE);
        long type = number(kind, 255), code = number(group(m, pat, text, FIELD_CODE), 255);
        e->has_icmp_type = type >= 0;
        e->has_icmp_code = code >= 0;
        e->icmp_type = (uint8_t)(type < 0 ? 0 : type);
        e->icmp_code = (uint8_t)(code < 0 ? 0 : code);
        return e->has_icmp_type || e->is_fragment || untold(kind);
    }
    return true;
}

/* The groups of a match become an event; false: the text only looked like one. */
static bool read_event(struct matcher *m, const struct parser *p, const struct pattern *pat,
                       struct str text, size_t at, struct event *e)
{
    struct str empty = {text.p, 0}, dst = group(m, pat, text, FIELD_DST),
               count = group(m, pat, text, FIELD_COUNT);

    memset(e, 0, sizeof *e);
    e->count = 1;
    if (ip_parse(group(m, pat, text, FIELD_SRC), &e->source) < 0 ||
        !read_transport(m, pat, text, e))
        return false;
    if (dst.p && ip_parse(dst, &e->destination) < 0)
        return false;
    if (count.p) {
        long n = number(count, 1000000000);
        if (n < 1)
            return false;
        e->count = (uint32_t)n;
    }
    e->in = group(m, pat, text, FIELD_IN);
    e->out = group(m, pat, text, FIELD_OUT);
    e->prefix = group(m, pat, text, FIELD_PREFIX);
    if (!e->prefix.p)
        e->prefix = trim((struct str){text.p, at});
    struct str told = p->file->verdict.from == VERDICT_FROM_ACTION
                          ? group(m, pat, text, FIELD_ACTION)
                          : e->prefix;
    e->action = (uint8_t)verdict(m, p, told.p ? told : empty); /* overwrites the match data: last */
    return true;
}

static bool try_patterns(struct matcher *m, size_t index, struct str text, size_t at,
                         struct event *e)
{
    const struct parser *p = &m->set->parsers[index];

    for (size_t i = 0; i < p->pattern_count; i++) {
        if (run(m, p->patterns[i].code, p->patterns[i].jit, text, at) &&
            read_event(m, p, &p->patterns[i], text, at, e)) {
            m->parser = index;
            m->pattern = i;
            return true;
        }
    }
    return false;
}

/* Tries a parser at the message's begin if it says so, else at each place of its literal, up to a
 * bound: a stranger may have written the line. */
static bool try_parser(struct matcher *m, size_t index, struct str text, struct event *e)
{
    const struct parser *p = &m->set->parsers[index];
    int places = 0;
    long at = find_literal(text, 0, p->literal);

    if (p->file->anchor == ANCHOR_MESSAGE)
        return at >= 0 && try_patterns(m, index, text, 0, e);
    for (; at >= 0 && places++ < PLACES_MAX; at = find_literal(text, (size_t)at + 1, p->literal))
        if (try_patterns(m, index, text, (size_t)at, e))
            return true;
    return false;
}

enum outcome matcher_match(struct matcher *m, struct str message, struct event *e)
{
    for (size_t i = 0; i < m->set->n; i++) {
        if (!try_parser(m, i, message, e))
            continue;
        event_classify(e);
        return e->action == ACTION_DROP || e->action == ACTION_REJECT ? OUTCOME_EVENT
                                                                      : OUTCOME_IGNORED;
    }
    return OUTCOME_UNMATCHED;
}

size_t matcher_parser(const struct matcher *m)
{
    return m->parser;
}

size_t matcher_pattern(const struct matcher *m)
{
    return m->pattern;
}
