#include "parse/words.h"

#include <stdio.h>
#include <strings.h>

#include "parse/cursor.h"
#include "parse/event.h"

struct name {
    const char *text;
    uint16_t number;
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool same_word(struct str s, const char *text)
{
    return (text[0] | 0x20) == (s.p[0] | 0x20) && strlen(text) == s.n &&
           strncasecmp(text, s.p, s.n) == 0;
}

static long find_name(struct str s, const struct name *names, size_t n)
{
    if (s.n > 0)
        for (size_t i = 0; i < n; i++)
            if (same_word(s, names[i].text))
                return names[i].number;
    return -1;
}

/* ---- protocols ---- */

/* Those that are written by name, under IANA's. */
static const struct name protocols[] = {
    {"tcp", 6},   {"udp", 17},     {"icmp", 1},   {"ipv6-icmp", 58}, {"igmp", 2},
    {"ipip", 4},  {"ipv6", 41},    {"gre", 47},   {"esp", 50},       {"ah", 51},
    {"ospf", 89}, {"pim", 103},    {"vrrp", 112}, {"sctp", 132},     {"udplite", 136},
    {"ip", 0},    {"ipcomp", 108}, {"l2tp", 115},
};

/* The rest of what firewalls write: IANA's "Protocol Numbers", /etc/protocols. */
static const struct name more_protocols[] = {
    {"icmpv6", 58},
    {"icmp6", 58},
    {"icmp-v6", 58},
    {"ggp", 3},
    {"ipencap", 4},
    {"ip-in-ip", 4},
    {"ipinip", 4},
    {"ipv4", 4},
    {"st", 5},
    {"cbt", 7},
    {"egp", 8},
    {"igp", 9},
    {"igrp", 9},
    {"bbn-rcc-mon", 10},
    {"nvp-ii", 11},
    {"pup", 12},
    {"argus", 13},
    {"emcon", 14},
    {"xnet", 15},
    {"chaos", 16},
    {"mux", 18},
    {"dcn-meas", 19},
    {"hmp", 20},
    {"prm", 21},
    {"xns-idp", 22},
    {"rdp", 27},
    {"irtp", 28},
    {"iso-tp4", 29},
    {"netblt", 30},
    {"dccp", 33},
    {"3pc", 34},
    {"idpr", 35},
    {"xtp", 36},
    {"ddp", 37},
    {"tp++", 39},
    {"il", 40},
    {"ip6", 41},
    {"ipv6-route", 43},
    {"ipv6-frag", 44},
    {"idrp", 45},
    {"rsvp", 46},
    {"dsr", 48},
    {"ipsec-esp", 50},
    {"ahp", 51},
    {"ipsec-ah", 51},
    {"swipe", 53},
    {"narp", 54},
    {"mobile", 55},
    {"tlsp", 56},
    {"skip", 57},
    {"ipv6-nonxt", 59},
    {"ipv6-opts", 60},
    {"vines", 83},
    {"nsfnet-igp", 85},
    {"eigrp", 88},
    {"ospfigp", 89},
    {"ospfv3", 89},
    {"mtp", 92},
    {"ax.25", 93},
    {"nos", 94},
    {"etherip", 97},
    {"encap", 98},
    {"ifmp", 101},
    {"pnni", 102},
    {"pimv2", 103},
    {"pcp", 108},
    {"snp", 109},
    {"carp", 112},
    {"pgm", 113},
    {"ddx", 116},
    {"iatp", 117},
    {"stp", 118},
    {"isis", 124},
    {"fire", 125},
    {"fc", 133},
    {"rsvp-e2e-ignore", 134},
    {"mobility-header", 135},
    {"udp-lite", 136},
    {"mpls-in-ip", 137},
    {"manet", 138},
    {"hip", 139},
    {"shim6", 140},
    {"wesp", 141},
    {"rohc", 142},
    {"pfsync", 240},
    {"hopopt", 0},
    {"hbh", 0},
};

const char *protocol_name(uint8_t protocol, char out[8])
{
    for (size_t i = 0; i < COUNT(protocols); i++)
        if (protocols[i].number == protocol)
            return protocols[i].text;
    snprintf(out, 8, "%u", protocol);
    return out;
}

int word_protocol(struct str s)
{
    if (str_eq(s, STR("TCP")) || str_eq(s, STR("tcp")))
        return 6;
    if (str_eq(s, STR("UDP")) || str_eq(s, STR("udp")))
        return 17;
    long v = word_number(s, 255);
    if (v < 0)
        v = find_name(s, protocols, COUNT(protocols));
    if (v < 0)
        v = find_name(s, more_protocols, COUNT(more_protocols));
    return (int)v;
}

/* ---- ports ---- */

/* The names that Cisco's ASA and IOS, tcpdump and ipmon print in place of numbers. Sources: Cisco,
 * "Addresses, Protocols, and Ports Reference" (TCP and UDP ports); IANA's registry of services. */
static const struct name ports[] = {
    {"echo", 7},
    {"discard", 9},
    {"systat", 11},
    {"daytime", 13},
    {"netstat", 15},
    {"qotd", 17},
    {"chargen", 19},
    {"ftp-data", 20},
    {"ftp", 21},
    {"ssh", 22},
    {"telnet", 23},
    {"smtp", 25},
    {"mail", 25},
    {"time", 37},
    {"nameserver", 42},
    {"whois", 43},
    {"nicname", 43},
    {"tacacs", 49},
    {"domain", 53},
    {"dns", 53},
    {"bootps", 67},
    {"bootpc", 68},
    {"tftp", 69},
    {"gopher", 70},
    {"finger", 79},
    {"http", 80},
    {"www", 80},
    {"www-http", 80},
    {"kerberos", 88},
    {"kerberos-sec", 88},
    {"hostname", 101},
    {"iso-tsap", 102},
    {"pop2", 109},
    {"pop3", 110},
    {"sunrpc", 111},
    {"rpcbind", 111},
    {"portmap", 111},
    {"ident", 113},
    {"auth", 113},
    {"nntp", 119},
    {"ntp", 123},
    {"epmap", 135},
    {"msrpc", 135},
    {"loc-srv", 135},
    {"netbios-ns", 137},
    {"netbios-dgm", 138},
    {"netbios-ssn", 139},
    {"nbname", 137},
    {"nbdatagram", 138},
    {"nbsession", 139},
    {"imap", 143},
    {"imap2", 143},
    {"imap4", 143},
    {"snmp", 161},
    {"snmptrap", 162},
    {"snmp-trap", 162},
    {"xdmcp", 177},
    {"bgp", 179},
    {"irc", 194},
    {"dnsix", 195},
    {"ldap", 389},
    {"svrloc", 427},
    {"mobile-ip", 434},
    {"https", 443},
    {"microsoft-ds", 445},
    {"pim-auto-rp", 496},
    {"isakmp", 500},
    {"ike", 500},
    {"exec", 512},
    {"biff", 512},
    {"comsat", 512},
    {"login", 513},
    {"who", 513},
    {"rsh", 514},
    {"cmd", 514},
    {"shell", 514},
    {"syslog", 514},
    {"lpd", 515},
    {"printer", 515},
    {"talk", 517},
    {"ntalk", 518},
    {"rip", 520},
    {"router", 520},
    {"route", 520},
    {"ripng", 521},
    {"timed", 525},
    {"uucp", 540},
    {"klogin", 543},
    {"kshell", 544},
    {"dhcpv6-client", 546},
    {"dhcpv6-server", 547},
    {"rtsp", 554},
    {"nntps", 563},
    {"submission", 587},
    {"ipp", 631},
    {"ldaps", 636},
    {"ldp", 646},
    {"kerberos-adm", 749},
    {"kerberos-iv", 750},
    {"rsync", 873},
    {"ftps-data", 989},
    {"ftps", 990},
    {"telnets", 992},
    {"imaps", 993},
    {"pop3s", 995},
    {"socks", 1080},
    {"lotusnotes", 1352},
    {"citrix-ica", 1494},
    {"ms-sql-s", 1433},
    {"ms-sql-m", 1434},
    {"sqlnet", 1521},
    {"oracle", 1521},
    {"radius", 1645},
    {"radius-acct", 1646},
    {"l2tp", 1701},
    {"h323", 1720},
    {"pptp", 1723},
    {"mqtt", 1883},
    {"ssdp", 1900},
    {"nfs", 2049},
    {"nfsd", 2049},
    {"ctiqbe", 2748},
    {"mysql", 3306},
    {"ms-wbt-server", 3389},
    {"rdp", 3389},
    {"teredo", 3544},
    {"svn", 3690},
    {"nat-t", 4500},
    {"ipsec-nat-t", 4500},
    {"ipsec-msft", 4500},
    {"sae-urn", 4500},
    {"upnp", 5000},
    {"commplex-main", 5000},
    {"sip", 5060},
    {"sips", 5061},
    {"sip-tls", 5061},
    {"aol", 5190},
    {"xmpp-client", 5222},
    {"mdns", 5353},
    {"postgresql", 5432},
    {"llmnr", 5355},
    {"secureid-udp", 5510},
    {"pcanywhere-data", 5631},
    {"pcanywhere-status", 5632},
    {"rfb", 5900},
    {"vnc", 5900},
    {"x11", 6000},
    {"redis", 6379},
    {"ircd", 6667},
    {"http-alt", 8080},
    {"webcache", 8080},
    {"http-proxy", 8080},
    {"https-alt", 8443},
    {"cifs", 445},
    {"vxlan", 4789},
    {"git", 9418},
    {"memcache", 11211},
    {"dhcp", 67},
    {"netflow", 2055},
    {"tacacs-ds", 65},
    {"non500-isakmp", 4500},
    {"non5000-isakmp", 4500},
};

long word_port(struct str s)
{
    long v = word_number(s, 65535);
    return v >= 0 ? v : find_name(s, ports, COUNT(ports));
}

/* ---- ICMP ---- */

/* IANA's "ICMP Type Numbers", under the names of Cisco, iptables, filterlog and tcpdump; the codes
 * of type 3 and 11 that are printed in place of the type, too. */
static const struct name icmp_types[] = {
    {"echo-reply", 0},
    {"echo reply", 0},
    {"reply", 0},
    {"echoreply", 0},
    {"unreachable", 3},
    {"unreach", 3},
    {"destination-unreachable", 3},
    {"destination unreachable", 3},
    {"dest-unreachable", 3},
    {"unreachport", 3},
    {"unreachproto", 3},
    {"needfrag", 3},
    {"port-unreachable", 3},
    {"host-unreachable", 3},
    {"net-unreachable", 3},
    {"network-unreachable", 3},
    {"protocol-unreachable", 3},
    {"fragmentation-needed", 3},
    {"packet-too-big", 3},
    {"administratively-prohibited", 3},
    {"host-prohibited", 3},
    {"source-quench", 4},
    {"source quench", 4},
    {"sourcequench", 4},
    {"squench", 4},
    {"redirect", 5},
    {"alternate-address", 6},
    {"echo-request", 8},
    {"echo request", 8},
    {"echo", 8},
    {"request", 8},
    {"echoreq", 8},
    {"ping", 8},
    {"router-advertisement", 9},
    {"router advertisement", 9},
    {"routeradv", 9},
    {"router-solicitation", 10},
    {"router solicitation", 10},
    {"routersol", 10},
    {"router-selection", 10},
    {"time-exceeded", 11},
    {"time exceeded", 11},
    {"ttl-exceeded", 11},
    {"timexceed", 11},
    {"timex", 11},
    {"ttl-zero-during-transit", 11},
    {"time exceeded in-transit", 11},
    {"parameter-problem", 12},
    {"parameter problem", 12},
    {"paramprob", 12},
    {"timestamp-request", 13},
    {"timestamp request", 13},
    {"timestamp", 13},
    {"timereq", 13},
    {"tstamp", 13},
    {"time stamp query", 13},
    {"timestamp-reply", 14},
    {"timestamp reply", 14},
    {"timerep", 14},
    {"tstampreply", 14},
    {"information-request", 15},
    {"info-request", 15},
    {"inforeq", 15},
    {"information request", 15},
    {"information-reply", 16},
    {"info-reply", 16},
    {"inforep", 16},
    {"information reply", 16},
    {"mask-request", 17},
    {"address-mask-request", 17},
    {"address mask request", 17},
    {"address mask query", 17},
    {"maskreq", 17},
    {"mask-reply", 18},
    {"address-mask-reply", 18},
    {"address mask reply", 18},
    {"maskrep", 18},
    {"traceroute", 30},
    {"conversion-error", 31},
    {"mobile-redirect", 32},
};

/* IANA's "ICMPv6 type Numbers". */
static const struct name icmp6_types[] = {
    {"unreachable", 1},
    {"destination-unreachable", 1},
    {"destination unreachable", 1},
    {"unreach", 1},
    {"unreachport", 1},
    {"unreachproto", 1},
    {"packet-too-big", 2},
    {"packet too big", 2},
    {"toobig", 2},
    {"needfrag", 2},
    {"time-exceeded", 3},
    {"time exceeded", 3},
    {"timexceed", 3},
    {"timex", 3},
    {"time exceeded in-transit", 3},
    {"parameter-problem", 4},
    {"parameter problem", 4},
    {"paramprob", 4},
    {"echo-request", 128},
    {"echo request", 128},
    {"echo", 128},
    {"request", 128},
    {"echoreq", 128},
    {"ping", 128},
    {"echo-reply", 129},
    {"echo reply", 129},
    {"reply", 129},
    {"echorep", 129},
    {"echoreply", 129},
    {"membership-query", 130},
    {"multicast listener query", 130},
    {"mld-query", 130},
    {"group membership query", 130},
    {"groupqry", 130},
    {"membership-report", 131},
    {"multicast listener report", 131},
    {"mld-report", 131},
    {"group membership report", 131},
    {"grouprep", 131},
    {"membership-reduction", 132},
    {"multicast listener done", 132},
    {"mld-reduction", 132},
    {"grouptermination", 132},
    {"groupterm", 132},
    {"mld-done", 132},
    {"router-solicitation", 133},
    {"router solicitation", 133},
    {"routersol", 133},
    {"router-advertisement", 134},
    {"router advertisement", 134},
    {"routeradv", 134},
    {"neighbor-solicitation", 135},
    {"neighbor solicitation", 135},
    {"neighbrsol", 135},
    {"neighbour-solicitation", 135},
    {"nd-ns", 135},
    {"nd-na", 136},
    {"neighbor-advertisement", 136},
    {"neighbor advertisement", 136},
    {"neighbradv", 136},
    {"neighbour-advertisement", 136},
    {"redirect", 137},
    {"neighbor-redirect", 137},
    {"router-renumbering", 138},
    {"router renumbering", 138},
    {"routrrenum", 138},
    {"fqdnreq", 139},
    {"niqry", 139},
    {"wrureq", 139},
    {"fqdnrep", 140},
    {"nirep", 140},
    {"wrurep", 140},
    {"mld2-report", 143},
    {"multicast listener report v2", 143},
    {"mldv2 report", 143},
};

long word_icmp_type(struct str s, bool v6)
{
    long v = word_number(s, 255);

    if (v >= 0)
        return v;
    return v6 ? find_name(s, icmp6_types, COUNT(icmp6_types))
              : find_name(s, icmp_types, COUNT(icmp_types));
}

/* ---- TCP flags ---- */

/* One word of flags: a name ("SYN"), or letters as pf, tcpdump and ipmon write them ("S", "PA",
 * "S."); any other word says nothing. */
static uint8_t flag_word(const char *p, size_t n)
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

    for (size_t f = 0; n == 3 && f < COUNT(names); f++)
        if ((p[0] & ~0x20) == names[f].name[0] && (p[1] & ~0x20) == names[f].name[1] &&
            (p[2] & ~0x20) == names[f].name[2])
            return names[f].bit;
    for (size_t i = 0; i < n; i++) {
        const char *at = memchr(letters, p[i], sizeof letters - 1);
        if (!at)
            return 0;
        set |= bits[at - letters];
    }
    return set;
}

static uint8_t flag_digits(struct str s)
{
    unsigned v = 0;

    for (size_t i = 2; i < s.n; i++) {
        char ch = s.p[i];
        v = v << 4 | (unsigned)(is_digit(ch) ? ch - '0' : (ch & ~0x20) - 'A' + 10);
    }
    return (uint8_t)v;
}

static bool parts_flags(char ch)
{
    return ch == ' ' || ch == ',' || ch == '-' || ch == '|' || ch == '+';
}

uint8_t word_flags(struct str s)
{
    uint8_t set = 0;

    if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X'))
        return flag_digits(s);
    for (size_t i = 0; i < s.n;) {
        while (i < s.n && parts_flags(s.p[i]))
            i++;
        size_t from = i;
        while (i < s.n && !parts_flags(s.p[i]))
            i++;
        set |= flag_word(s.p + from, i - from);
    }
    return set;
}
