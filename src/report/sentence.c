#include "report/sentence.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/country_name.h"
#include "base/language.h"
#include "base/port.h"
#include "base/when.h"
#include "store/burst.h"
#include "tag/anonymizer.h"

enum { LIST_TOLD = 3 };

const char *sentence_verdict(unsigned verdict)
{
    static const char *const names[VERDICT_COUNT] = {
        [VERDICT_FLOOD] = N_("flood"),
        [VERDICT_VERTICAL_SCAN] = N_("vertical scan"),
        [VERDICT_HORIZONTAL_SCAN] = N_("horizontal scan"),
        [VERDICT_DISTRIBUTED] = N_("distributed"),
        [VERDICT_SEQUENTIAL] = N_("sequence"),
        [VERDICT_REFLECTION] = N_("reflection"),
        [VERDICT_LOCKSTEP] = N_("lockstep"),
        [VERDICT_MICRO_BURST] = N_("micro-burst"),
        [VERDICT_BURST] = N_("burst"),
        [VERDICT_NEWCOMER] = N_("newcomer"),
        [VERDICT_RHYTHM] = N_("rhythm"),
        [VERDICT_SENSOR_FALL] = N_("fall of the sensor"),
    };

    return verdict < VERDICT_COUNT ? _(names[verdict]) : "";
}

/* A name in braces stands for what the finding says. */
static const char *template_of(const struct finding *f)
{
    switch (f->verdict) {
    case VERDICT_FLOOD:
        return _("{ports}: a flood of {events} events from {sources} ({countries}) against "
                 "{targets}, {when}, up to {peak} packets a second");
    case VERDICT_VERTICAL_SCAN:
        return _("{sources} ({countries}) scanned {port_count} ports, {when}: {events} events; the "
                 "most at {ports}");
    case VERDICT_HORIZONTAL_SCAN:
        return _("{ports}: {sources} ({countries}) went through {target_count} targets, {when}: "
                 "{events} events");
    case VERDICT_DISTRIBUTED:
        return _("{ports} left its band, {when}: {hour_events} events an hour where up to {high} "
                 "are usual, by {source_count} sources ({countries}), none above {share}%; "
                 "probably a botnet");
    case VERDICT_SEQUENTIAL:
        if (f->source_port_step && !f->port_step)
            return _("{ports}: {sources} ({countries}) sent {events} events whose source ports "
                     "step evenly, {when}");
        return _("{sources} ({countries}) counted evenly from port to port, {when}: {events} "
                 "events at {ports}");
    case VERDICT_REFLECTION:
        return _("{events} answers that nobody asked for came from {sources} ({countries}), "
                 "{when}, at {ports}: reflection, or a spoofed attack on them");
    case VERDICT_LOCKSTEP:
        return _("{ports} arrived at one rate, {when} (correlation {correlation}), from "
                 "{countries}: {events} events, probably spoofed");
    case VERDICT_MICRO_BURST:
        return _("{ports}: {sources} ({countries}) sent {events} events within seconds, {when}, up "
                 "to {peak} packets a second");
    case VERDICT_BURST:
        return f->ports.n ? _("{ports} left its band, {when}: {hour_events} events an hour where "
                              "{mean} are usual and up to {high}, from {countries}, {sources}")
                          : _("{countries} left its band, {when}: {hour_events} events an hour "
                              "where {mean} are usual and up to {high}, {sources}");
    case VERDICT_NEWCOMER:
        return f->before_rank ? _("{ports} is new among the first: rank {rank}, after rank "
                                  "{before_rank} in the days before; {events} events")
                              : _("{ports} is new among the first: rank {rank}, and nothing in the "
                                  "days before; {events} events");
    case VERDICT_RHYTHM:
        return f->by_night
                   ? _("{ports} from {countries} comes by night there: {ratio} times what comes by "
                       "day")
                   : _("{ports} from {countries} comes by day there: {ratio} times what comes by "
                       "night, so rather from people's computers than from servers");
    case VERDICT_SENSOR_FALL:
        return _("{fallen} of {series} series fell under their bands at once, {when}: probably the "
                 "sensor's line, not the world");
    case VERDICT_COUNT: break;
    }
    return "";
}

const char *sentence_count(uint64_t n, char out[SENTENCE_COUNT_MAX])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

const char *sentence_events(uint64_t n, char out[SENTENCE_COUNT_MAX])
{
    char count[SENTENCE_COUNT_MAX];

    snprintf(out, SENTENCE_COUNT_MAX, _n("%s event", "%s events", n), sentence_count(n, count));
    return out;
}

const char *sentence_ports(uint64_t n, char out[SENTENCE_COUNT_MAX])
{
    char count[SENTENCE_COUNT_MAX];

    snprintf(out, SENTENCE_COUNT_MAX, _n("%s port", "%s ports", n), sentence_count(n, count));
    return out;
}

const char *sentence_sources(uint64_t n, bool exact, char out[SENTENCE_COUNT_MAX])
{
    char count[SENTENCE_COUNT_MAX], told[SENTENCE_COUNT_MAX];

    sentence_count(n, count);
    snprintf(told, sizeof told, exact ? "%s" : _("~%s"), count);
    snprintf(out, SENTENCE_COUNT_MAX, _n("%s source", "%s sources", n), told);
    return out;
}

char *sentence_country(uint16_t country)
{
    char code[3];
    const char *name = country_name(country);

    country_format(country, code);
    /* A country's name and code. */
    return *name ? xasprintf(_("%s (%s)"), name, code) : xstrdup(code);
}

/* ---- lists ---- */

/* Text with two names in braces in it, each in its place. */
static void put_filled(FILE *f, const char *text, const char *a, const char *a_is, const char *b,
                       const char *b_is)
{
    while (*text) {
        size_t n = *text == '{' ? strcspn(text, "}") : 0;
        if (n && n == strlen(a) + 1 && memcmp(text + 1, a, n - 1) == 0)
            fputs(a_is, f);
        else if (n && n == strlen(b) + 1 && memcmp(text + 1, b, n - 1) == 0)
            fputs(b_is, f);
        else
            fputc(*text, f), n = 0;
        text += n + 1;
    }
}

/* Behind a list: how many more there are. */
static void put_rest(FILE *f, const char *format, size_t told, size_t all)
{
    char count[SENTENCE_COUNT_MAX];

    if (all > told)
        fprintf(f, format, sentence_count(all - told, count));
}

static void put_ports(FILE *f, const struct finding_ports *p)
{
    char text[PORT_TEXT_MAX];
    size_t told = p->n < LIST_TOLD ? p->n : LIST_TOLD;

    for (size_t i = 0; i < told; i++) {
        port_format(p->list[i], text);
        fprintf(f, "%s%s", i ? _x("list", ", ") : "", text);
    }
    put_rest(f, _x("ports", " +%s"), told, p->all);
}

static void put_countries(FILE *f, const struct finding_countries *c)
{
    char code[3];
    size_t told = c->n < LIST_TOLD ? c->n : LIST_TOLD;

    for (size_t i = 0; i < told; i++) {
        country_format(c->list[i], code);
        const char *name = country_name(c->list[i]);
        fputs(i ? _x("list", ", ") : "", f);
        /* How a country is called within a sentence: {name} and {code}. */
        put_filled(f, _x("country", "{code}"), "name", *name ? name : code, "code", code);
    }
    put_rest(f, _x("countries", " +%s"), told, c->all);
}

/* All of a few, else their number. */
static void put_ips(FILE *f, const struct finding_ips *ips, bool anonymous, bool targets)
{
    char text[ANONYMOUS_TEXT_MAX], count[SENTENCE_COUNT_MAX];

    if (ips->all > 2 || ips->n < ips->all || ips->n == 0) {
        fprintf(f,
                targets ? _n("%s target", "%s targets", ips->all)
                        : _n("%s source", "%s sources", ips->all),
                sentence_count(ips->all, count));
        return;
    }
    for (size_t i = 0; i < ips->n; i++) {
        if (anonymous)
            anonymous_format(&ips->list[i], text);
        else
            ip_format(&ips->list[i], text);
        fprintf(f, "%s%s", i ? _x("list", ", ") : "", text);
    }
}

static void put_count(FILE *f, uint64_t n)
{
    char text[SENTENCE_COUNT_MAX];

    fputs(sentence_count(n, text), f);
}

/* ---- the template ---- */

static void put_named(FILE *out, struct str name, const struct finding *f, const struct zone *zone)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"events", f->events},
                  {"peak", f->peak},
                  {"hour_events", f->hour_events},
                  {"port_count", f->ports.all},
                  {"source_count", f->sources.all},
                  {"target_count", f->targets.all},
                  {"rank", f->rank},
                  {"before_rank", f->before_rank},
                  {"series", f->series},
                  {"fallen", f->fallen},
                  {"mean", (uint64_t)(f->mean + 0.5)},
                  {"high", (uint64_t)(f->high + 0.5)},
                  {"share", (uint64_t)ceil(f->top_share * 100)}};

    if (str_eq(name, str_from("ports"))) {
        put_ports(out, &f->ports);
    } else if (str_eq(name, str_from("countries"))) {
        put_countries(out, &f->countries);
    } else if (str_eq(name, str_from("sources"))) {
        put_ips(out, &f->sources, f->anonymous, false);
    } else if (str_eq(name, str_from("targets"))) {
        put_ips(out, &f->targets, false, true);
    } else if (str_eq(name, str_from("when"))) {
        char when[WHEN_TEXT_MAX];
        fputs(when_told(zone, f->from, f->to, when), out);
    } else if (str_eq(name, str_from("correlation"))) {
        fprintf(out, "%.2f", f->correlation);
    } else if (str_eq(name, str_from("ratio"))) {
        fprintf(out, "%.1f", f->ratio);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (str_eq(name, str_from(counts[i].name)))
            put_count(out, counts[i].n);
}

char *sentence_of(const struct finding *f, const struct zone *zone)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ASSERT(out);
    for (const char *p = template_of(f); *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            fputc(*p, out);
            continue;
        }
        put_named(out, (struct str){p + 1, (size_t)(end - p - 1)}, f, zone);
        p = end;
    }
    fclose(out);
    return text;
}
