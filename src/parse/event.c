#include "parse/event.h"

#include "base/port.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };

const char *outcome_name(enum outcome o)
{
    static const char *const names[OUTCOMES] = {"event", "ignored", "unmatched", "lost"};
    return names[o];
}

const char *action_name(enum action a)
{
    static const char *const names[ACTIONS] = {"drop", "reject", "accept", "ignore"};
    return names[a];
}

/* UDP services that answer a small forged request with a large reply. Source: US-CERT alert
 * TA14-017A and what has been abused since (11211 memcached, 3702 WS-Discovery, 10001 Ubiquiti,
 * 37810 DHIP, 5683 CoAP, 389 CLDAP). */
static bool udp_reflects(uint16_t port)
{
    switch (port) {
    case 17:
    case 19:
    case 53:
    case 69:
    case 111:
    case 123:
    case 137:
    case 161:
    case 389:
    case 520:
    case 1900:
    case 3702:
    case 5353:
    case 5683:
    case 10001:
    case 11211:
    case 27960:
    case 37810: return true;
    default: return false;
    }
}

static enum event_class tcp_class(const struct event *e)
{
    if (!e->has_flags)
        return CLASS_SCAN;
    if (e->tcp_flags & TCP_RST || (e->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
        return CLASS_BACKSCATTER;
    /* SYN, and the FIN, Xmas and null probes; an ACK alone belongs to some connection that was. */
    return e->tcp_flags & TCP_ACK ? CLASS_OTHER : CLASS_SCAN;
}

/* RFC 792, RFC 950, RFC 1256; RFC 4443. */
static enum event_class icmp_class(const struct event *e)
{
    if (e->protocol == PROTO_ICMP6) {
        if (e->icmp_type == 128)
            return CLASS_SCAN;
        return e->icmp_type < 128 || e->icmp_type == 129 ? CLASS_BACKSCATTER : CLASS_OTHER;
    }
    switch (e->icmp_type) {
    case 8:
    case 10:
    case 13:
    case 15:
    case 17: return CLASS_SCAN;
    case 0:
    case 3:
    case 4:
    case 11:
    case 12:
    case 14:
    case 16:
    case 18: return CLASS_BACKSCATTER;
    default: return CLASS_OTHER;
    }
}

void event_classify(struct event *e)
{
    e->class = CLASS_OTHER;
    e->port = port_key(PORT_IP, e->protocol);
    if (e->protocol == PROTO_TCP || e->protocol == PROTO_UDP) {
        bool tcp = e->protocol == PROTO_TCP;
        if (!e->has_ports) {
            e->port = port_key(PORT_FRAG, !tcp);
            return;
        }
        e->port = port_key(tcp ? PORT_TCP : PORT_UDP, e->destination_port);
        if (tcp)
            e->class = (uint8_t)tcp_class(e);
        else
            e->class = udp_reflects(e->source_port) ? CLASS_BACKSCATTER : CLASS_SCAN;
    } else if (e->has_icmp_type && (e->protocol == PROTO_ICMP || e->protocol == PROTO_ICMP6)) {
        e->port = port_key(e->protocol == PROTO_ICMP ? PORT_ICMP : PORT_ICMP6, e->icmp_type);
        e->class = (uint8_t)icmp_class(e);
    }
}
