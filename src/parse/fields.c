#include "parse/fields.h"

#include <stdio.h>

#include "base/port.h"
#include "base/zone.h"
#include "parse/words.h"

const char *field_label(enum field_name f)
{
    static const char *const labels[NAMES] = {
        "src", "dst",  "sport",  "dport",  "proto", "type", "code", "flags", "in",
        "out", "host", "prefix", "action", "class", "port", "time", "count"};
    return labels[f];
}

const char *class_name(uint8_t class)
{
    static const char *const names[CLASS_COUNT] = {"scan", "backscatter", "other"};
    return class < CLASS_COUNT ? names[class] : "other";
}

size_t flag_names(uint8_t flags, const char *out[8])
{
    static const struct {
        uint8_t bit;
        const char *name;
    } all[] = {{TCP_CWR, "CWR"}, {TCP_ECE, "ECE"}, {TCP_URG, "URG"}, {TCP_ACK, "ACK"},
               {TCP_PSH, "PSH"}, {TCP_RST, "RST"}, {TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (flags & all[i].bit)
            out[n++] = all[i].name;
    return n;
}

static bool put_slice(struct str s, char out[FIELD_TEXT_MAX])
{
    snprintf(out, FIELD_TEXT_MAX, "%.*s", s.n < FIELD_TEXT_MAX ? (int)s.n : FIELD_TEXT_MAX - 1,
             s.p ? s.p : "");
    return s.p != NULL;
}

static bool put_number(bool has, unsigned v, char out[FIELD_TEXT_MAX])
{
    if (has)
        snprintf(out, FIELD_TEXT_MAX, "%u", v);
    return has;
}

static bool put_ip(const struct ip *ip, char out[FIELD_TEXT_MAX])
{
    ip_format(ip, out);
    return ip->family != 0;
}

static bool put_flags(const struct event *e, char out[FIELD_TEXT_MAX])
{
    const char *names[8];
    size_t n = flag_names(e->tcp_flags, names), at = 0;

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, FIELD_TEXT_MAX - at, "%s%s", i ? " " : "", names[i]);
    return e->has_flags;
}

bool field_text(const struct event *e, enum field_name f, char out[FIELD_TEXT_MAX])
{
    char number[8];

    out[0] = 0;
    switch (f) {
    case NAME_SRC: return put_ip(&e->source, out);
    case NAME_DST: return put_ip(&e->destination, out);
    case NAME_SPORT: return put_number(e->has_source_port, e->source_port, out);
    case NAME_DPORT: return put_number(e->has_ports, e->destination_port, out);
    case NAME_PROTO: return put_slice(str_from(protocol_name(e->protocol, number)), out);
    case NAME_TYPE: return put_number(e->has_icmp_type, e->icmp_type, out);
    case NAME_CODE: return put_number(e->has_icmp_code, e->icmp_code, out);
    case NAME_FLAGS: return put_flags(e, out);
    case NAME_IN: return put_slice(e->in, out) && e->in.n;
    case NAME_OUT: return put_slice(e->out, out) && e->out.n;
    case NAME_HOST: return put_slice(e->host, out) && e->host.n;
    case NAME_PREFIX: return put_slice(e->prefix, out) && e->prefix.n;
    case NAME_ACTION: return put_slice(str_from(action_name(e->action)), out);
    case NAME_CLASS: return put_slice(str_from(class_name(e->class)), out);
    case NAME_PORT: port_format(e->port, out); return true;
    case NAME_TIME: time_format_utc(e->when, out); return true;
    case NAME_COUNT: return put_number(true, e->count, out);
    case NAMES: break;
    }
    return false;
}
