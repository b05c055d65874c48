#include "parse/matcher.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/find.h"
#include "base/hash.h"
#include "parse/compiled.h"
#include "parse/stranger.h"
#include "parse/words.h"

enum {
    PLACES_MAX = 64, /* of a literal in a line; a LOG prefix of 127 bytes holds 42 "IN=" */
    LAST_BITS = 12,
    VERDICTS = 1024,    /* a power of two */
    WAYS = 4,           /* places that a verdict may have */
    VERDICT_KEPT = 240, /* bytes that one is judged by; CEF's kind and reason have 150 */
    /* A longer text is judged by its last bytes: a kernel's prefix has 127, the rest is another
     * line that was cut, or made to be slow. */
    JUDGED_MAX = 256,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 512 * 1024
};

/* A verdict, remembered: sensors have a handful of prefixes each, and judging one anew runs every
 * rule. */
struct verdict_slot {
    const struct parser *parser;
    uint8_t len;
    uint8_t action;
    bool decided;
    char text[VERDICT_KEPT];
};

/* The parser that took the last line of a kind, whether it took the one before, too, and which of
 * its literals stood where. */
struct last {
    uint16_t parser, at;
    uint8_t literal;
    bool again;
};

/* What a match found, by field. */
struct values {
    uint32_t have; /* a bit each */
    uint8_t flags; /* those of TCP that groups say by their names */
    struct str of[FIELDS];
};

struct matcher {
    const struct parser_set *set;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    size_t parser, pattern;
    uint32_t match_limit; /* that is set */
    struct values values; /* of the pattern that is tried */
    struct {
        bool is;
        enum field field;
        size_t pattern;
        struct str value;
    } misfit; /* the first since it was cleared */
    struct stamp stamp;
    bool looked;   /* whether `found` is of the message at hand */
    bool stranger; /* it is a stranger's words: only parsers that name its tag are tried */
    bool decided;
    uint64_t *limited; /* by parser */
    uint64_t limited_all;
    struct literals_found found;
    uint64_t *candidates; /* a bit a parser */
    struct last *guess;   /* of the parser that is tried; NULL: none */
    struct last last[1 << LAST_BITS];
    bool *only; /* by parser: whether it is tried; NULL: all are */
    struct verdict_slot verdicts[VERDICTS];
};

struct matcher *matcher_new(const struct parser_set *set)
{
    struct matcher *m = xcalloc(1, sizeof *m);

    m->set = set;
    m->limited = xcalloc(set->n + 1, sizeof *m->limited);
    m->candidates = xcalloc(set->n / 64 + 1, sizeof *m->candidates);
    m->data = pcre2_match_data_create(256, NULL);
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    ASSERT(m->data && m->context && m->stack);
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

void matcher_only(struct matcher *m, const char *const *names, size_t n)
{
    m->only = xcalloc(m->set->n + 1, sizeof *m->only);
    for (size_t i = 0; i < m->set->n; i++)
        for (size_t k = 0; k < n && !m->only[i]; k++)
            m->only[i] = strcmp(parser_set_name(m->set, i), names[k]) == 0;
}

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    free(m->limited);
    free(m->candidates);
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m->only);
    free(m);
}

static bool run(struct matcher *m, const struct pattern *pat, struct str text, size_t from)
{
    int rc =
        pat->jit
            ? pcre2_jit_match(pat->code, (PCRE2_SPTR)text.p, text.n, from, 0, m->data, m->context)
            : pcre2_match(pat->code, (PCRE2_SPTR)text.p, text.n, from, 0, m->data, m->context);
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_JIT_STACKLIMIT ||
        rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT)
        m->limited[m->parser]++, m->limited_all++;
    return rc >= 0;
}

/* ---- what was found ---- */

static inline bool has(const struct values *v, enum field f)
{
    return v->have >> f & 1;
}

/* p is NULL where the field has no value. */
static inline struct str get(const struct values *v, enum field f)
{
    return has(v, f) ? v->of[f] : (struct str){0};
}

static inline void give(struct values *v, enum field f, struct str s)
{
    if (!has(v, f) || v->of[f].n == 0) {
        v->of[f] = s;
        v->have |= 1u << f;
    }
}

/* What a group says by its name; flags add up, since each may have a key of its own. */
static void give_word(struct values *v, enum field f, struct str word)
{
    if (f == FIELD_FLAGS) {
        v->flags |= word_flags(word);
        word.n = 0;
    }
    give(v, f, word);
}

/* The same of a pattern some of whose groups say it by their names. */
__attribute__((noinline)) static void take_words(struct matcher *m, const struct pattern *pat,
                                                 struct str text, const PCRE2_SIZE *ov)
{
    for (size_t i = 0; i < pat->group_count; i++) {
        const PCRE2_SIZE *at = &ov[2 * pat->groups[i].number];
        if (at[0] == PCRE2_UNSET)
            continue;
        if (pat->words[i])
            give_word(&m->values, pat->groups[i].field, str_from(pat->words[i]));
        else
            give(&m->values, pat->groups[i].field, (struct str){text.p + at[0], at[1] - at[0]});
    }
}

/* Takes over what the groups of a match hold; the first of a name counts. */
static inline void take_groups(struct matcher *m, const struct pattern *pat, struct str text)
{
    const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(m->data);

    if (pat->words) {
        take_words(m, pat, text, ov);
        return;
    }
    for (const struct group *g = pat->groups, *end = g + pat->group_count; g < end; g++) {
        const PCRE2_SIZE *at = &ov[2 * g->number];
        if (at[0] != PCRE2_UNSET)
            give(&m->values, g->field, (struct str){text.p + at[0], at[1] - at[0]});
    }
}

static void take_pair(void *context, unsigned key, struct str value)
{
    struct matcher *m = context;
    const struct parser *p = &m->set->parsers[m->parser];

    if (p->key_fields[key] < FIELDS)
        give(&m->values, p->key_fields[key], value);
    else if (run(m, &p->values[key], value, 0))
        take_groups(m, &p->values[key], value);
}

/* ---- the verdict ---- */

static enum action decide(struct matcher *m, enum action action)
{
    m->decided = true;
    return action;
}

static enum action judge(struct matcher *m, const struct parser *p)
{
    const struct verdict *v = &p->file->verdict;
    struct str prefix = get(&m->values, FIELD_PREFIX), empty = STR("");

    for (size_t i = 0; i < m->set->prefix_count; i++)
        if (find_literal(prefix, 0, str_from(m->set->prefixes[i].text)) >= 0)
            return decide(m, m->set->prefixes[i].action);
    for (size_t i = 0; i < v->rules_count; i++) {
        struct str text =
            has(&m->values, p->rule_fields[i]) ? m->values.of[p->rule_fields[i]] : empty;
        if (text.n > JUDGED_MAX)
            text = str_skip(text, text.n - JUDGED_MAX);
        if (pcre2_match(p->rules[i], (PCRE2_SPTR)text.p, text.n, 0, 0, m->data, m->context) >= 0)
            return decide(m, v->rules[i].action);
    }
    m->decided = false;
    return v->otherwise;
}

/* The texts that the verdict is judged by, one behind the other, each with bytes that tell which
 * and how long it is; one alone is itself. n is over VERDICT_KEPT: longer than what is
 * remembered. */
static struct str verdict_key(const struct matcher *m, const struct parser *p,
                              char buffer[VERDICT_KEPT])
{
    uint32_t sources = p->sources | (m->set->prefix_count ? 1u << FIELD_PREFIX : 0);
    struct str key = {buffer, 0};

    if ((sources & (sources - 1)) == 0)
        return get(&m->values, (enum field)__builtin_ctz(sources));
    for (uint32_t rest = sources & m->values.have; rest; rest &= rest - 1) {
        unsigned f = (unsigned)__builtin_ctz(rest);
        struct str s = m->values.of[f];
        if (key.n + 2 + s.n > VERDICT_KEPT) {
            key.n = VERDICT_KEPT + 1;
            break;
        }
        buffer[key.n++] = (char)f;
        buffer[key.n++] = (char)s.n;
        memcpy(buffer + key.n, s.p, s.n);
        key.n += s.n;
    }
    return key;
}

static bool remembers(const struct verdict_slot *slot, const struct parser *p, struct str key)
{
    return slot->parser == p && slot->len == key.n &&
           (key.n == 0 || memcmp(slot->text, key.p, key.n) == 0);
}

/* A key has several places, so that keys that are met by turns don't drive each other out. */
__attribute__((noinline)) static const struct verdict_slot *
find_elsewhere(struct matcher *m, const struct parser *p, struct str key, uint64_t hash)
{
    size_t own = hash & (VERDICTS - 1), at = own ^ (hash >> 32 & (WAYS - 1));

    for (size_t i = 0; i < WAYS; i++) {
        const struct verdict_slot *slot = &m->verdicts[own ^ i];
        if (remembers(slot, p, key))
            return slot;
        if (!slot->parser) {
            at = own ^ i;
            break;
        }
    }
    struct verdict_slot *slot = &m->verdicts[at];
    slot->action = (uint8_t)judge(m, p);
    slot->decided = m->decided;
    slot->parser = p;
    slot->len = (uint8_t)key.n;
    if (key.n)
        memcpy(slot->text, key.p, key.n);
    return slot;
}

/* The slot of a verdict, which is judged unless it is remembered. */
static const struct verdict_slot *find_verdict(struct matcher *m, const struct parser *p,
                                               struct str key)
{
    uint64_t hash = hash_bytes(key.p, key.n, (uint64_t)(p - m->set->parsers));
    const struct verdict_slot *own = &m->verdicts[hash & (VERDICTS - 1)];

    return remembers(own, p, key) ? own : find_elsewhere(m, p, key, hash);
}

static enum action verdict(struct matcher *m, const struct parser *p)
{
    char buffer[VERDICT_KEPT];
    struct str key = verdict_key(m, p, buffer);

    if (key.n > VERDICT_KEPT)
        return judge(m, p);
    const struct verdict_slot *slot = find_verdict(m, p, key);
    m->decided = slot->decided;
    return (enum action)slot->action;
}

/* ---- from groups to an event ---- */

/* A group that matched nothing: the line is whole and doesn't tell. */
static inline bool untold(const struct values *v, enum field f)
{
    return has(v, f) && v->of[f].n == 0;
}

static void read_ports(const struct values *v, struct event *e)
{
    struct str sport = get(v, FIELD_SPORT), dport = get(v, FIELD_DPORT);
    long from = sport.n ? word_port(sport) : 0, to = word_port(dport);

    e->has_ports = from >= 0 && to >= 0;
    if (!e->has_ports)
        return;
    e->has_source_port = sport.n > 0;
    e->source_port = (uint16_t)from;
    e->destination_port = (uint16_t)to;
}

static bool read_icmp(const struct values *v, struct event *e)
{
    long type = word_icmp_type(get(v, FIELD_TYPE), e->protocol == 58),
         code = word_number(get(v, FIELD_CODE), 255);

    e->has_icmp_type = type >= 0;
    e->has_icmp_code = type >= 0 && code >= 0;
    e->icmp_type = (uint8_t)(type < 0 ? 0 : type);
    e->icmp_code = (uint8_t)(e->has_icmp_code ? code : 0);
    return e->has_icmp_type || e->is_fragment || untold(v, FIELD_TYPE);
}

/* Protocol, ports and ICMP type; false where they don't fit together, which is how a line cut short
 * looks. */
static bool read_transport(const struct values *v, struct event *e)
{
    struct str told = get(v, FIELD_PROTO);
    int proto = untold(v, FIELD_PROTO) ? 0 : word_protocol(told);

    if (proto < 0)
        return false;
    if (proto == 1 && e->source.family == 6) /* some write "ICMP" of either family */
        proto = 58;
    e->protocol = (uint8_t)proto;
    e->is_fragment = has(v, FIELD_FRAG);
    if (proto == 1 || proto == 58)
        return read_icmp(v, e);
    read_ports(v, e);
    if (proto == 6 || proto == 17) {
        if (!e->has_ports)
            return e->is_fragment || untold(v, FIELD_DPORT);
        e->has_flags = proto == 6 && has(v, FIELD_FLAGS) && e->has_ports;
        e->tcp_flags = e->has_flags ? word_flags(v->of[FIELD_FLAGS]) | v->flags : 0;
    }
    return true;
}

static void read_stamp(struct matcher *m)
{
    const struct values *v = &m->values;

    m->stamp.kind = STAMP_NONE;
    if (v->have & (1u << FIELD_TIME | 1u << FIELD_DATE))
        stamp_of_parts(get(v, FIELD_DATE), get(v, FIELD_TIME), get(v, FIELD_TZ), &m->stamp);
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Which value made read_transport() fail. */
static enum field bad_transport(const struct values *v, const struct event *e)
{
    struct str sport = get(v, FIELD_SPORT);

    if (!untold(v, FIELD_PROTO) && word_protocol(get(v, FIELD_PROTO)) < 0)
        return FIELD_PROTO;
    if (e->protocol == 1 || e->protocol == 58)
        return FIELD_TYPE;
    return sport.n && word_port(sport) < 0 ? FIELD_SPORT : FIELD_DPORT;
}

/* Notes for the pattern's author why a match is no event; false. */
static bool misfit(struct matcher *m, enum field f)
{
    if (!m->misfit.is) {
        m->misfit.is = true;
        m->misfit.field = f;
        m->misfit.pattern = m->pattern;
        m->misfit.value = get(&m->values, f);
    }
    return false;
}

/* The values of a match become an event; false: the text only looked like one. */
static bool read_event(struct matcher *m, const struct parser *p, struct str text, size_t at,
                       struct event *e)
{
    struct values *v = &m->values;

    if (has(v, FIELD_PAIRS))
        pair_table_read(p->pairs, v->of[FIELD_PAIRS], take_pair, m);
    give(v, FIELD_PREFIX, trim((struct str){text.p, at}));
    struct str dst = get(v, FIELD_DST), count = get(v, FIELD_COUNT), host = get(v, FIELD_HOST);
    memset(e, 0, offsetof(struct event, host)); /* the texts are set below */
    e->count = 1;
    if (!has(v, FIELD_SRC) || ip_parse(v->of[FIELD_SRC], &e->source) < 0)
        return misfit(m, FIELD_SRC);
    if (!read_transport(v, e))
        return misfit(m, bad_transport(v, e));
    if (dst.n && ip_parse(dst, &e->destination) < 0)
        return misfit(m, FIELD_DST);
    if (count.n) {
        long n = word_number(count, 1000000000);
        if (n < 1)
            return misfit(m, FIELD_COUNT);
        e->count = (uint32_t)n;
    }
    e->in = get(v, FIELD_IN);
    e->out = get(v, FIELD_OUT);
    e->prefix = v->of[FIELD_PREFIX];
    e->host = host;
    read_stamp(m);
    e->action = (uint8_t)verdict(m, p); /* overwrites the match data: last */
    return true;
}

/* ---- trials ---- */

/* Tries a parser's patterns at one place. */
static bool try_at(struct matcher *m, struct str text, size_t at, struct event *e)
{
    const struct parser *p = &m->set->parsers[m->parser];

    for (size_t i = 0; i < p->pattern_count; i++) {
        const struct pattern *pat = &p->patterns[i];
        if (pat->needs.n && find_literal(text, 0, pat->needs) < 0)
            continue;
        if (!run(m, pat, text, at))
            continue;
        m->values.have = 0;
        m->values.flags = 0;
        take_groups(m, pat, text);
        m->pattern = i;
        if (i >= p->packet_patterns) {
            memset(e, 0, sizeof *e);
            e->action = ACTION_IGNORE;
            e->host = get(&m->values, FIELD_HOST);
            read_stamp(m);
            return true;
        }
        if (read_event(m, p, text, at, e))
            return true;
    }
    return false;
}

static bool has_tag(const struct parser *p, struct str tag)
{
    for (size_t i = 0; i < p->tag_count; i++)
        if (str_eq(tag, p->tags[i]))
            return true;
    return false;
}

/* A process's line, and the parser's lines come from none, or from others. */
static bool is_foreign(const struct parser *p, const struct envelope *env)
{
    if (!env->process || p->program_count == 0)
        return false;
    for (size_t i = 0; i < p->program_count; i++)
        if (str_eq(env->tag, p->programs[i]))
            return false;
    return true;
}

/* Where a parser's literal first stands; -1: nowhere. */
static long first_place(const struct matcher *m, const struct parser *p, size_t l, struct str text)
{
    if (!m->looked)
        return find_literal(text, 0, p->literals[l]);
    size_t i = p->first_literal + l;
    return literals_has(&m->found, i) ? (long)m->found.at[i] : -1;
}

static bool stands_at(struct str text, size_t at, struct str literal)
{
    return at + literal.n <= text.n && memcmp(text.p + at, literal.p, literal.n) == 0;
}

/* Whether one of a parser's literals stands anywhere; it is looked for first where it stood in the
 * last line of the kind. */
static bool has_literal(struct matcher *m, const struct parser *p, struct str text)
{
    struct last *guess = m->guess;

    if (guess && stands_at(text, guess->at, p->literals[guess->literal]))
        return true;
    for (size_t l = 0; l < p->literal_count; l++) {
        long at = first_place(m, p, l, text);
        if (at < 0)
            continue;
        if (guess) {
            guess->at = (uint16_t)at;
            guess->literal = (uint8_t)l;
        }
        return true;
    }
    return false;
}

/* Tries a parser at the places where its literals stand, up to a bound: a stranger may have written
 * the line. */
static bool try_parser(struct matcher *m, size_t index, const struct envelope *env, struct event *e)
{
    const struct parser *p = &m->set->parsers[index];
    struct str text = env->message;
    int places = 0;

    if (m->only && !m->only[index])
        return false;
    m->parser = index;
    if (p->match_limit != m->match_limit)
        pcre2_set_match_limit(m->context, m->match_limit = p->match_limit);
    if (p->tag_count && has_tag(p, env->tag))
        return try_at(m, env->body, 0, e);
    if (m->stranger || is_foreign(p, env))
        return false;
    if (p->anchor == ANCHOR_MESSAGE)
        return has_literal(m, p, text) && try_at(m, text, 0, e);
    for (size_t l = 0; l < p->literal_count; l++)
        for (long at = first_place(m, p, l, text); at >= 0 && places++ < PLACES_MAX;
             at = find_literal(text, (size_t)at + 1, p->literals[l]))
            if (try_at(m, text, (size_t)at, e))
                return true;
    return false;
}

static uint32_t multiply(uint32_t count, uint32_t times)
{
    uint64_t all = (uint64_t)count * times;
    return all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

static inline uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * 0x9e3779b97f4a7c15ULL;
}

/* A name by its ends. */
static inline uint64_t sketch(struct str s)
{
    return s.n ? s.n << 16 | (uint64_t)(uint8_t)s.p[0] << 8 | (uint8_t)s.p[s.n - 1] : 0;
}

/* Eight bytes in which all digits are the same. */
static inline uint64_t mask_digits(uint64_t bytes)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t high = (bytes >> 4 & 0x0f * each) ^ 3 * each,
             others = (high + 0x0f * each) >> 4 & each;

    return bytes & (0xf0 * each | others * 0x0f);
}

/* The slot of the line's kind: by its source, its logger and the first bytes of its message. Two
 * kinds that share it slow each other down, and nothing else. */
static struct last *last_of(struct matcher *m, const struct envelope *env)
{
    uint64_t begin[2] = {0};

    if (env->message.n >= sizeof begin)
        memcpy(begin, env->message.p, sizeof begin);
    uint64_t h = mix(0, sketch(env->host) << 32 | sketch(env->tag));
    h = mix(mix(h, mask_digits(begin[0])), mask_digits(begin[1]));
    return &m->last[h >> (64 - LAST_BITS)];
}

static void look_for_literals(struct matcher *m, struct str text)
{
    literals_find(m->set->literals, text, &m->found);
    m->looked = true;
}

/* The parser that took the last lines of this kind, after those that must go before it. */
static bool try_last(struct matcher *m, struct last *last, const struct envelope *env,
                     struct event *e)
{
    const struct parser *p = &m->set->parsers[last->parser];

    if (p->first_count > 0)
        look_for_literals(m, env->message);
    for (size_t i = 0; i < p->first_count; i++)
        if (try_parser(m, p->firsts[i], env, e))
            return true;
    m->guess = last;
    bool takes = try_parser(m, last->parser, env, e);
    m->guess = NULL;
    return takes;
}

/* Marks the parsers whose literal was found, or whose tag the line has. */
static void mark_candidates(struct matcher *m, struct str tag)
{
    const struct parser_set *set = m->set;

    memset(m->candidates, 0, (set->n + 63) / 64 * sizeof *m->candidates);
    for (size_t w = 0; w < (set->word_count + 63) / 64; w++)
        for (uint64_t bits = m->found.bits[w]; bits; bits &= bits - 1) {
            unsigned owner = set->owners[w * 64 + (size_t)__builtin_ctzll(bits)];
            m->candidates[owner / 64] |= 1ull << (owner % 64);
        }
    for (size_t i = 0; i < set->tagged_count; i++)
        if (has_tag(&set->parsers[set->tagged[i]], tag))
            m->candidates[set->tagged[i] / 64] |= 1ull << (set->tagged[i] % 64);
}

/* `tried`: what try_last() did; NULL: nothing. */
static bool try_candidates(struct matcher *m, const struct last *tried, const struct envelope *env,
                           struct event *e)
{
    if (!m->looked)
        look_for_literals(m, env->message);
    mark_candidates(m, env->tag);
    if (tried) {
        const struct parser *p = &m->set->parsers[tried->parser];
        m->candidates[tried->parser / 64] &= ~(1ull << (tried->parser % 64));
        for (size_t i = 0; i < p->first_count; i++)
            m->candidates[p->firsts[i] / 64] &= ~(1ull << (p->firsts[i] % 64));
    }
    for (size_t w = 0; w < (m->set->n + 63) / 64; w++)
        for (uint64_t bits = m->candidates[w]; bits; bits &= bits - 1)
            if (try_parser(m, w * 64 + (size_t)__builtin_ctzll(bits), env, e))
                return true;
    return false;
}

/* Where one parser took the last two lines of a kind, the next will be for it, too. */
static bool take(struct matcher *m, const struct envelope *env, struct event *e)
{
    struct last *last = last_of(m, env);

    m->looked = false;
    if (last->again && try_last(m, last, env, e))
        return true;
    if (!try_candidates(m, last->again ? last : NULL, env, e))
        return false;
    *last = (struct last){.parser = (uint16_t)m->parser, .again = last->parser == m->parser};
    return true;
}

enum outcome matcher_match(struct matcher *m, const struct envelope *env, struct event *e)
{
    m->stamp.kind = STAMP_NONE;
    m->stranger = stranger_speaks(env->tag);
    if (!m->set->n || !take(m, env, e)) {
        e->host = env->host;
        return OUTCOME_UNMATCHED;
    }
    if (!e->host.n)
        e->host = env->host;
    if (env->repeated > 1)
        e->count = multiply(e->count, env->repeated);
    if (m->pattern < m->set->parsers[m->parser].packet_patterns)
        event_classify(e);
    return e->action == ACTION_DROP || e->action == ACTION_REJECT ? OUTCOME_EVENT : OUTCOME_IGNORED;
}

bool matcher_takes(struct matcher *m, size_t parser, const struct envelope *env, struct event *e)
{
    m->looked = false;
    m->misfit.is = false;
    m->stranger = stranger_speaks(env->tag);
    return try_parser(m, parser, env, e);
}

bool matcher_misfit(const struct matcher *m, size_t *pattern, enum field *field, struct str *value)
{
    *pattern = m->misfit.pattern;
    *field = m->misfit.field;
    *value = m->misfit.value;
    return m->misfit.is;
}

bool matcher_lacks_literal(struct matcher *m, size_t parser, const struct envelope *env,
                           size_t *pattern)
{
    const struct parser *p = &m->set->parsers[parser];
    struct str text = env->message;
    size_t places = p->anchor == ANCHOR_MESSAGE ? 1 : text.n + 1;
    struct event e;

    m->parser = parser;
    for (size_t l = 0; l < p->literal_count; l++)
        if (find_literal(text, 0, p->literals[l]) >= 0)
            return false;
    for (size_t at = 0; at < places; at++)
        if (try_at(m, text, at, &e)) {
            *pattern = m->pattern;
            return true;
        }
    return false;
}

void matcher_forget(struct matcher *m)
{
    memset(m->last, 0, sizeof m->last);
}

bool matcher_decided(const struct matcher *m)
{
    return m->decided;
}

uint64_t matcher_limited(const struct matcher *m, size_t parser)
{
    return m->limited[parser];
}

uint64_t matcher_limited_all(const struct matcher *m)
{
    return m->limited_all;
}

const struct stamp *matcher_stamp(const struct matcher *m)
{
    return &m->stamp;
}

size_t matcher_parser(const struct matcher *m)
{
    return m->parser;
}

size_t matcher_pattern(const struct matcher *m)
{
    return m->pattern;
}
