/* Lines against the shipped parser files, the verdict of prefixes, and the proof that parser files carry. */
#include "parse/parser.h"

#include <sys/stat.h>
#include <time.h>

#include "helper.h"
#include "parse/fields.h"
#include "parse/matcher.h"
#include "parse/reader.h"

static struct parser_set *load(const char *folder)
{
    struct parser_set *set = parser_set_new();
    struct error err = {0};

    parser_set_add_folder(set, folder, &err);
    if (err.n)
        fail_msg("%s", faults_text(&err));
    return set;
}

static enum outcome match(struct matcher *m, struct str message, struct event *e)
{
    struct envelope env = {.message = message, .body = message, .repeated = 1};
    return matcher_match(m, &env, e);
}

/* "outcome src=... dst=..." with the fields that the event has, in the order of enum field_name; host and time are no
 * message's. */
static const char *told(struct matcher *m, const char *message)
{
    static char out[2048];
    char text[FIELD_TEXT_MAX];
    struct event e;
    enum outcome o = match(m, str_from(message), &e);
    size_t n = (size_t)snprintf(out, sizeof out, "%s", outcome_name(o));

    if (o == OUTCOME_UNMATCHED)
        return out;
    e.host = (struct str){0};
    for (enum field_name f = 0; f < NAME_TIME; f++)
        if (field_text(&e, f, text))
            n += (size_t)snprintf(out + n, sizeof out - n, " %s=%s", field_label(f), text);
    if (e.count != 1)
        snprintf(out + n, sizeof out - n, " count=%u", e.count);
    return out;
}

static void test_iptables(void **state)
{
    static const struct {
        const char *message, *told;
    } rows[] = {
        {"DROP IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC=198.51.100.7 "
         "DST=192.0.2.10 LEN=40 TOS=0x00 PREC=0x00 TTL=241 ID=54321 PROTO=TCP SPT=41234 DPT=23 "
         "WINDOW=1024 RES=0x00 SYN URGP=0 ",
         "event src=198.51.100.7 dst=192.0.2.10 sport=41234 dport=23 proto=tcp flags=SYN in=eth0 "
         "prefix=DROP action=drop class=scan port=23/tcp"},
        /* no prefix, no MAC; SEQ and ACK logged; all flags */
        {"IN=eth0.7 OUT=br-lan SRC=198.51.100.7 DST=192.0.2.10 LEN=40 TOS=0x00 PREC=0x00 TTL=241 "
         "ID=54321 CE DF MF PROTO=TCP SPT=0 DPT=65535 SEQ=1 ACK=2 WINDOW=1024 RES=0x00 CWR ECE URG "
         "ACK PSH RST SYN FIN URGP=0 OPT (020405B4) MARK=0x1 ",
         "event src=198.51.100.7 dst=192.0.2.10 sport=0 dport=65535 proto=tcp flags=CWR ECE URG "
         "ACK PSH RST SYN FIN in=eth0.7 out=br-lan action=drop class=backscatter port=65535/tcp"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=TCP SPT=1 DPT=2 SEQ=1 ACK= "
         "WINDOW=1024 FIN PSH URG URGP=0",
         "event src=198.51.100.7 dst=192.0.2.10 sport=1 dport=2 proto=tcp flags=URG PSH FIN "
         "in=eth0 action=drop class=scan port=2/tcp"},
        /* no flags at all, and flags not told */
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=TCP SPT=1 DPT=2 WINDOW=1024 RES=0x00 "
         "URGP=0 ",
         "event src=198.51.100.7 dst=192.0.2.10 sport=1 dport=2 proto=tcp flags= in=eth0 "
         "action=drop class=scan port=2/tcp"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=TCP SPT=1 DPT=2 LEN=9",
         "event src=198.51.100.7 dst=192.0.2.10 sport=1 dport=2 proto=tcp in=eth0 action=drop "
         "class=scan port=2/tcp"},
        /* prefixes that look like keys, glued ones, blanks and brackets */
        {"ADMIN=mallory IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=eth0 prefix=ADMIN=mallory "
         "action=drop class=other port=2/ip"},
        {"ADMIN=a:IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=eth0 prefix=ADMIN=a: action=drop "
         "class=other port=2/ip"},
        {"IN=OUT= SRC= DST= PROTO= IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=eth0 prefix=IN=OUT= SRC= DST= "
         "PROTO= action=drop class=other port=2/ip"},
        {"[wan-lan-default-D]IN=eth0 OUT=eth1 SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=eth0 out=eth1 "
         "prefix=[wan-lan-default-D] action=drop class=other port=2/ip"},
        {"ACTION=DROP IN= OUT=lo SRC=127.0.0.1 DST=127.0.0.1 PROTO=2 ",
         "event src=127.0.0.1 dst=127.0.0.1 proto=igmp out=lo prefix=ACTION=DROP action=drop "
         "class=other port=2/ip"},
        {"SRC=1.2.3.4 DST=5.6.7.8 IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=eth0 "
         "prefix=SRC=1.2.3.4 DST=5.6.7.8 action=drop class=other port=2/ip"},
        /* a bridge's keys, and newer kernels' */
        {"IN=br0 OUT= PHYSIN=veth1 MAC= SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=br0 action=drop class=other "
         "port=2/ip"},
        {"IN=br0 OUT= MACSRC=52:54:00:65:43:21 MACDST=52:54:00:12:34:56 MACPROTO=0800 "
         "SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=igmp in=br0 action=drop class=other "
         "port=2/ip"},
        /* IPv6 and its options */
        {"IN=eth0 OUT= SRC=2001:0db8:0000:0000:0000:0000:0000:0001 "
         "DST=2001:0db8:0000:0001:0000:0000:0000:0002 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 OPT ( ) "
         "OPT ( ) PROTO=UDP SPT=5353 DPT=5353 LEN=20 ",
         "event src=2001:db8::1 dst=2001:db8:0:1::2 sport=5353 dport=5353 proto=udp in=eth0 "
         "action=drop class=backscatter port=5353/udp"},
        {"IN=eth0 OUT= SRC=2001:0db8:0000:0000:0000:0000:0000:0001 "
         "DST=2001:0db8:0000:0001:0000:0000:0000:0002 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 FRAG:1 "
         "ID:00001234 PROTO=UDP ",
         "event src=2001:db8::1 dst=2001:db8:0:1::2 proto=udp in=eth0 action=drop class=other "
         "port=frag/udp"},
        /* a later fragment has no ports; the same without FRAG was cut */
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 LEN=20 ID=1 MF FRAG:185 PROTO=TCP ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=tcp in=eth0 action=drop class=other "
         "port=frag/tcp"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 LEN=20 ID=1 PROTO=TCP INCOMPLETE [8 bytes] ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=tcp in=eth0 action=drop class=other "
         "port=frag/tcp"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 LEN=20 ID=1 PROTO=TCP ", "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=ICMP ", "unmatched"},
        /* ICMP: the packet that it answers is no packet of ours */
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=ICMP TYPE=11 CODE=0 [SRC=192.0.2.10 "
         "DST=203.0.113.5 LEN=20 FRAG:64 PROTO=UDP ] ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=icmp type=11 code=0 in=eth0 action=drop "
         "class=backscatter port=11/icmp"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=ICMPv6 TYPE=135 CODE=0 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=ipv6-icmp type=135 code=0 in=eth0 "
         "action=drop class=other port=135/icmp6"},
        {"IN=eth0 OUT= [SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ] ", "unmatched"},
        /* others by number or name */
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=ESP SPI=0x1 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=esp in=eth0 action=drop class=other "
         "port=50/ip"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=UDPLITE SPT=7 DPT=9 LEN=8 ",
         "event src=198.51.100.7 dst=192.0.2.10 sport=7 dport=9 proto=udplite in=eth0 action=drop "
         "class=other port=136/ip"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=47 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=gre in=eth0 action=drop class=other "
         "port=47/ip"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=255 ",
         "event src=198.51.100.7 dst=192.0.2.10 proto=255 in=eth0 action=drop class=other "
         "port=255/ip"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=256 ", "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=NONE ", "unmatched"},
        /* out of bounds, or cut within a number */
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=UDP SPT=1 DPT=65536 LEN=8 ",
         "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.256 DST=192.0.2.10 PROTO=2 ", "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2 PROTO=2 ", "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=UDP SPT=1 DPT=65", "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=UDP SPT=1 ", "unmatched"},
        {"IN=eth0 OUT= SRC=198.51.100.7", "unmatched"},
        {"IN=", "unmatched"},
        {"", "unmatched"},
    };
    struct parser_set *set = load("parsers");
    struct matcher *m = matcher_new(set);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        same_text(rows[i].message, told(m, rows[i].message), rows[i].told);
    matcher_free(m);
    parser_set_free(set);
}

/* What a prefix says of the rule that logged. */
static void test_prefixes(void **state)
{
    static const struct {
        const char *prefix, *action;
    } rows[] = {
        {"", "drop"},
        {"gateway:", "drop"},
        {"[UFW BLOCK]", "drop"},
        {"[UFW LIMIT BLOCK]", "drop"},
        {"[UFW ALLOW]", "accept"},
        {"[UFW AUDIT]", "ignore"},
        {"[UFW AUDIT INVALID]", "ignore"},
        {"Shorewall:net2fw:DROP:", "drop"},
        {"Shorewall:net2fw:REJECT:", "reject"},
        {"Shorewall:net2fw:ACCEPT:", "accept"},
        {"FINAL_REJECT:", "reject"},
        {"filter_IN_public_DROP:", "drop"},
        {"SFW2-INext-DROP-DEFLT", "drop"},
        {"SFW2-INext-ACC-TCP", "accept"},
        {"iptables denied:", "drop"},
        {"reject wan in:", "reject"},
        {"policy DROP:", "drop"},
        {"PASSED", "accept"},
        {"pass DROP", "drop"},
        /* EdgeOS, UniFi: the letter in the tag beats the words */
        {"[WAN_IN-3001-A]", "accept"},
        {"[WAN_IN-3001-D]", "drop"},
        {"[WAN_IN-3001-R]", "reject"},
        {"[WAN_LOCAL-default-A]", "accept"},
        {"[WAN_LOCAL-default-D]", "drop"},
        {"[WAN_LOCAL-default-R]", "reject"},
        {"[WAN_LOCAL-A-2147483647] DESCR=\"Block All Traffic\"", "accept"},
        {"[WAN_LOCAL-D-10] DESCR=\"Allow DNS\"", "drop"},
        {"[WAN_LOCAL-R-10] DESCR=\"Allow DNS\"", "reject"},
    };
    struct parser_set *set = load("parsers");
    struct matcher *m = matcher_new(set);
    struct event e;
    char line[512];

    (void)state;
    for (int again = 0; again < 2; again++) /* the second time from memory */
        for (size_t i = 0; i < COUNT(rows); i++) {
            snprintf(line, sizeof line, "%s IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.10 PROTO=2 ",
                     rows[i].prefix);
            enum outcome o = match(m, str_from(line), &e);
            same_text(rows[i].prefix, action_name(e.action), rows[i].action);
            bool counted = e.action == ACTION_DROP || e.action == ACTION_REJECT;
            same_number(rows[i].prefix, o, counted ? OUTCOME_EVENT : OUTCOME_IGNORED);
        }
    matcher_free(m);
    parser_set_free(set);
}

/* The operator's word on a prefix goes before the file's; many prefixes don't get in each other's way. */
static void test_own_prefixes(void **state)
{
    struct parser_set *set = load("parsers");
    struct event e;
    char line[1024];

    (void)state;
    parser_set_add_prefix(set, "odd-0", ACTION_ACCEPT);
    parser_set_add_prefix(set, "DROP: quiet", ACTION_IGNORE);
    struct matcher *m = matcher_new(set);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 2000; i++) {
            const char *rule = i % 3 == 0 ? "odd-0" : i % 3 == 1 ? "DROP: quiet" : "REJECT";
            enum action want = i % 3 == 0   ? ACTION_ACCEPT
                               : i % 3 == 1 ? ACTION_IGNORE
                                            : ACTION_REJECT;
            /* now and then longer than what is remembered */
            snprintf(line, sizeof line, "rule %d %*s%s IN= OUT= SRC=1.2.3.4 DST=1.2.3.4 PROTO=2 ",
                     i, i % 5 == 0 ? 100 : 1, "", rule);
            match(m, str_from(line), &e);
            same_number(line, e.action, want);
        }
    matcher_free(m);
    parser_set_free(set);
}

/* What a line of n bytes made of a text, and one that is an event behind it or nothing, costs, in seconds of processor time. */
static double cost(struct matcher *m, const char *unit, const char *tail, size_t n, int rounds)
{
    static char line[8192];
    size_t at = 0, len = strlen(unit), behind = strlen(tail);
    enum outcome want = behind ? OUTCOME_EVENT : OUTCOME_UNMATCHED;
    struct event e;

    for (; at + len + behind <= n; at += len)
        memcpy(line + at, unit, len);
    memcpy(line + at, tail, behind);
    clock_t begin = clock();
    for (int i = 0; i < rounds; i++)
        assert_int_equal(match(m, (struct str){line, at + behind}, &e), want);
    return (double)(clock() - begin) / CLOCKS_PER_SEC / rounds;
}

/* A line made to be slow doesn't cost the square of its length: eight times as long, about eight times the time. */
static void test_made_to_be_slow(void **state)
{
    static const char whole[] = " IN=e OUT= SRC=192.0.2.1 DST=192.0.2.2 PROTO=2 ";
    static const struct {
        const char *unit, *tail;
    } rows[] = {
        {"IN= ", ""},
        {"IN=", ""},
        {"IN=e SRC=1 ", ""},
        {"IN= SRC=1 DST=1 ", ""},
        {"IN=e OUT=f ", ""},
        {"IN=e SRC=1 DST=1 FRAG:1 ", ""},
        {"[", whole},
        {"[a-1", whole},
        {"DR", whole},
        {"in:a out:b, ", ""},
        {" block in on a: (", ""},
        {" block in on a: 192.0.2.1 > ::1 ", ""},
        {"1,,,1,a,match,block,in,4,0x0,", ""},
        {"ACCESSLOGP: list 1 denied tcp ::1(1) a", ""},
        {"access-list a denied tcp ", ""},
        {"Deny tcp src a:1.2.3.4 (", ""},
        {"%FTD-1-430002: AccessControlRuleAction: a, ", ""},
        {" PR tcp @1 b ", ""},
        {"ipfw: 1 Deny a ", ""},
        {"RT_SCREEN_TCP: a source: ", ""},
        {"RT_SCREEN_TCP [junos@1 a=\"", ""},
        {"session denied 1.2.3.4/1->1.2.3.4/1 ", ""},
        {"FW: a  D ", ""},
        {"type=traffic a=\"", ""},
        {"\"oob.in\": {", ""},
        {"system-notification-00257(traffic): ", ""},
    };
    struct parser_set *set = load("parsers");
    struct matcher *m = matcher_new(set);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        double slow = cost(m, rows[i].unit, rows[i].tail, 8192, 50),
               quick = cost(m, rows[i].unit, rows[i].tail, 1024, 500);
        if (slow > 0.0003 && slow > 24 * quick)
            fail_msg("'%s': %.3f ms a line, %.3f an eighth of it", rows[i].unit, slow * 1e3,
                     quick * 1e3);
    }
    matcher_free(m);
    parser_set_free(set);
}

/* ---- other files ---- */

static void write_parser(const char *folder, const char *name, const char *text)
{
    char path[512];

    mkdir(folder, 0755);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

#define HEAD(name) \
    "name: " name "\nabout: a test\nliteral: 'K:'\nverdict: {from: action}\npatterns:\n"

/* Every field's group, words for the action, a count. */
static void test_groups(void **state)
{
    static const struct {
        const char *message, *told;
    } rows[] = {
        {"K: 17 1.2.3.4 5.6.7.8 9 10 x25 deny",
         "event src=1.2.3.4 dst=5.6.7.8 sport=9 dport=10 proto=udp action=drop class=scan "
         "port=10/udp count=25"},
        {"a K: b K: tcp 1.2.3.4 5.6.7.8 9 10 permit",
         "ignored src=1.2.3.4 dst=5.6.7.8 sport=9 dport=10 proto=tcp prefix=a K: b action=accept "
         "class=scan port=10/tcp"},
        {"K: 6 1.2.3.4 5.6.7.8 9 10 reset",
         "event src=1.2.3.4 dst=5.6.7.8 sport=9 dport=10 proto=tcp action=reject class=scan "
         "port=10/tcp"},
        {"K: 6 1.2.3.4 5.6.7.8 9 10 noted", /* no rule matches */
         "ignored src=1.2.3.4 dst=5.6.7.8 sport=9 dport=10 proto=tcp action=ignore class=scan "
         "port=10/tcp"},
        {"K: 6 ::ffff:1.2.3.4 5.6.7.8 9 10 x0 deny", "unmatched"}, /* no packet is no event */
        {"K: 6 ::ffff:1.2.3.4 5.6.7.8 9 10 x1000000001 deny", "unmatched"},
        {"K: 6 ::ffff:1.2.3.4 2001:DB8::5 9 10 x1000000000 deny",
         "event src=1.2.3.4 dst=2001:db8::5 sport=9 dport=10 proto=tcp action=drop class=scan "
         "port=10/tcp count=1000000000"},
        /* the second pattern */
        {"K: from 1.2.3.4 icmp 8/0",
         "ignored src=1.2.3.4 proto=icmp type=8 code=0 action=ignore class=scan port=8/icmp"},
        {"K: from 1.2.3.4 icmp 256/0", "unmatched"},
        {"K: from 1.2.3.4 ICMP6 128/0",
         "ignored src=1.2.3.4 proto=ipv6-icmp type=128 code=0 action=ignore class=scan "
         "port=128/icmp6"},
    };
    const char *folder = temp_path("groups");

    (void)state;
    write_parser(
        folder, "groups.yaml",
        "name: groups\nabout: a test\nliteral: 'K:'\n"
        "patterns:\n"
        "  - |\n"
        "    K:\\ (?<proto>\\w++)\\ (?<src>\\S++)\\ (?<dst>\\S++)\\ (?<sport>\\d++)\n"
        "    \\ (?<dport>\\d++)(?:\\ x(?<count>\\d++))?+\\ (?<action>\\w++)\n"
        "  - 'K:\\ from\\ (?<src>\\S++)\\ (?<proto>\\w++)\\ (?<type>\\d++)/(?<code>\\d++)'\n"
        "verdict:\n  from: action\n  rules:\n"
        "    - {match: 'DENY', action: drop}\n    - {match: reset, action: reject}\n"
        "    - {match: permit, action: accept}\n  otherwise: ignore\n"
        "samples:\n  - line: x\n    gives: {}\n");
    struct parser_set *set = load(folder);
    struct matcher *m = matcher_new(set);
    for (size_t i = 0; i < COUNT(rows); i++)
        same_text(rows[i].message, told(m, rows[i].message), rows[i].told);
    matcher_free(m);
    parser_set_free(set);
}

/* key=value in any order, several literals, the message's start, tags, what is no packet, a verdict of several texts. */
static void test_pairs(void **state)
{
    static const struct {
        const char *message, *told;
    } rows[] = {
        {"id=7 srcip=198.51.100.7 dstip=\"192.0.2.10\" proto=17 dport=domain act=deny type=traffic",
         "event src=198.51.100.7 dst=192.0.2.10 dport=53 proto=udp action=drop class=scan "
         "port=53/udp"},
        {"id=7, type=\"traffic\",act=\"deny\",dport=23,ep=198.51.100.7:9,proto=tcp",
         "event src=198.51.100.7 sport=9 dport=23 proto=tcp action=drop class=scan port=23/tcp"},
        {"type=traffic act=accept id=7 srcip=198.51.100.7 proto=tcp dport=23",
         "ignored src=198.51.100.7 dport=23 proto=tcp action=accept class=scan port=23/tcp"},
        /* what stands in quotes is no key; the first pair counts; a word that is none is passed over */
        {"id=7 msg=\"x srcip=203.0.113.1 \\\" dport=1\" (x y) srcip=198.51.100.7 srcip=203.0.113.2 "
         "z "
         "proto=icmp act=deny type=traffic",
         "event src=198.51.100.7 proto=icmp action=drop class=other port=1/ip"},
        {"id=7 srcip=198.51.100.7 proto=tcp act=deny type=traffic", "unmatched"}, /* cut short */
        {"id=7 act=deny type=traffic srcip=\"198.51.100.7", "unmatched"},
        {"id=7 srcip=198.51.100.7 proto=2 act=deny type=event",
         "ignored src=198.51.100.7 proto=igmp action=ignore class=other port=2/ip"},
        {"id=7 hello", "ignored proto=ip action=ignore class=scan port=0/tcp count=0"},
        {"srcip=198.51.100.7 proto=2 act=deny type=traffic", "unmatched"}, /* no literal */
    };
    const char *folder = temp_path("pairs");

    (void)state;
    write_parser(folder, "pairs.yaml",
                 "name: pairs\nabout: a test\nliterals: ['id=7', 'ID=7']\nanchor: message\n"
                 "patterns: ['(?<pairs>.*+)(?<type>)']\nignores: ['id=7\\ hello$']\n"
                 "pairs:\n  separators: [' ', ',']\n  keys:\n"
                 "    - {key: srcip, is: src}\n    - {key: dstip, is: dst}\n"
                 "    - {key: dport, is: dport}\n    - {key: proto, is: proto}\n"
                 "    - {key: ep, match: '(?<src>[^:]++):(?<sport>\\d++)'}\n"
                 "    - {key: act, is: action}\n    - {key: type, is: kind}\n"
                 "verdict:\n  from: action\n  rules:\n"
                 "    - {of: kind, match: '^(?!traffic)', action: ignore}\n"
                 "    - {match: accept, action: accept}\n"
                 "samples:\n  - line: x\n    gives: {}\n");
    struct parser_set *set = load(folder);
    struct matcher *m = matcher_new(set);
    for (size_t i = 0; i < COUNT(rows); i++)
        same_text(rows[i].message, told(m, rows[i].message), rows[i].told);
    matcher_free(m);
    parser_set_free(set);
}

/* What the shipped samples give doesn't depend on the lines before them, nor on who took those. */
static void test_any_order(void **state)
{
    struct parser_set *set = load("parsers");
    struct matcher *alone = matcher_new(set), *among = matcher_new(set);
    static char scratch[LINE_MAX_BYTES];
    const char *lines[4096];
    size_t n = 0;
    uint64_t seed = 17;
    char want[FIELD_TEXT_MAX], got[FIELD_TEXT_MAX];

    (void)state;
    for (size_t p = 0; p < parser_set_count(set); p++) {
        const struct parser_file *file = parser_set_file(set, p);
        for (unsigned i = 0; i < file->samples_count && n < COUNT(lines); i++)
            lines[n++] = file->samples[i].line;
        for (unsigned i = 0; i < file->refuses_count && n < COUNT(lines); i++)
            lines[n++] = file->refuses[i];
    }
    for (int round = 0; round < 20000; round++) {
        const char *line = lines[random_below(&seed, (uint32_t)n)];
        struct envelope env;
        struct event a, b;
        envelope_parse(str_from(line), scratch, &env);
        env.host = STR("gw"); /* all of one source */
        for (int again = 0; again <= round % 3; again++) {
            matcher_forget(alone);
            enum outcome o = matcher_match(alone, &env, &a);
            same_number(line, matcher_match(among, &env, &b), o);
            if (o == OUTCOME_UNMATCHED)
                continue;
            same_number(line, matcher_parser(among), matcher_parser(alone));
            a.when = b.when = 0;
            for (enum field_name f = 0; f < NAMES && a.source.family; f++) {
                field_text(&a, f, want);
                field_text(&b, f, got);
                same_text(line, got, want);
            }
        }
    }
    matcher_free(alone);
    matcher_free(among);
    parser_set_free(set);
}

/* A pattern that goes astray is given up at its file's limit, and that is counted. */
static void test_match_limit(void **state)
{
    static const char astray[] = "K: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *folder = temp_path("limit");
    struct event e;

    (void)state;
    write_parser(folder, "limit.yaml",
                 "name: limit\nabout: a test\nliteral: 'K:'\nmatch_limit: 1000\n"
                 "patterns: ['K:\\ (?:a+)+(?<src>[0-9.]+)\\ (?<proto>\\d+)']\n"
                 "verdict: {from: action}\nsamples:\n  - line: x\n    gives: {}\n");
    struct parser_set *set = load(folder);
    struct matcher *m = matcher_new(set);
    assert_int_equal(match(m, STR("K: a1.2.3.4 2"), &e), OUTCOME_EVENT);
    assert_int_equal(matcher_limited_all(m), 0);
    assert_int_equal(match(m, str_from(astray), &e), OUTCOME_UNMATCHED);
    assert_int_equal(matcher_limited(m, 0), 1);
    assert_int_equal(matcher_limited_all(m), 1);
    assert_false(parser_set_is_slow(set));
    matcher_free(m);
    parser_set_free(set);
}

/* A logger's tag picks a parser, whatever its lines hold; the patterns see what stands behind it. */
static void test_tags(void **state)
{
    static const struct {
        const char *line;
        enum outcome outcome;
    } rows[] = {
        {"Nov 24 10:00:01 gw csv[77]: 5,198.51.100.7,17,53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw csv: 5,198.51.100.7,17,53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 csv: 5,198.51.100.7,17,53", OUTCOME_EVENT},
        {"<134>1 2026-11-24T10:00:01Z gw csv 77 - - 5,198.51.100.7,17,53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw other[77]: 5,198.51.100.7,17,53", OUTCOME_UNMATCHED},
        {"Nov 24 10:00:01 gw csv[77]: x 5,198.51.100.7,17,53", OUTCOME_UNMATCHED},
    };
    const char *folder = temp_path("tags");
    char scratch[LINE_MAX_BYTES];
    struct envelope env;
    struct event e;

    (void)state;
    write_parser(folder, "tags.yaml",
                 "name: tags\nabout: a test\ntags: [csv]\n"
                 "patterns: ['\\d++,(?<src>[^,]++),(?<proto>\\d++),(?<dport>\\d++)']\n"
                 "verdict: {from: action}\nsamples:\n  - line: x\n    gives: {}\n");
    struct parser_set *set = load(folder);
    struct matcher *m = matcher_new(set);
    for (size_t i = 0; i < COUNT(rows); i++) {
        envelope_parse(str_from(rows[i].line), scratch, &env);
        same_number(rows[i].line, matcher_match(m, &env, &e), rows[i].outcome);
    }
    matcher_free(m);
    parser_set_free(set);
}

/* What sshd and others write down was chosen by a stranger: no parser takes it for a packet, unless
 * it names the tag. */
static void test_strangers(void **state)
{
    static const struct {
        const char *line;
        enum outcome outcome;
    } rows[] = {
        {"Nov 24 10:00:01 gw kernel: blocked 198.51.100.7 17 53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw sshd[7]: Invalid user blocked 198.51.100.7 17 53", OUTCOME_UNMATCHED},
        {"Nov 24 10:00:01 gw sshd: Invalid user blocked 198.51.100.7 17 53", OUTCOME_UNMATCHED},
        {"<38>1 2026-11-24T10:00:01Z gw sshd 7 - - blocked 198.51.100.7 17 53", OUTCOME_UNMATCHED},
        {"Nov 24 10:00:01 gw postfix/smtpd[7]: blocked 198.51.100.7 17 53", OUTCOME_UNMATCHED},
        {"Nov 24 10:00:01 gw sshdrop[7]: blocked 198.51.100.7 17 53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw nginx[7]: 198.51.100.7 17 53", OUTCOME_EVENT},
    };
    const char *folder = temp_path("strangers");
    char scratch[LINE_MAX_BYTES];
    struct envelope env;
    struct event e;

    (void)state;
    write_parser(folder, "any.yaml",
                 "name: any\nabout: a test\nliteral: blocked\n"
                 "patterns: ['blocked\\ (?<src>\\S++)\\ (?<proto>\\d++)\\ (?<dport>\\d++)']\n"
                 "verdict: {from: action}\nsamples:\n  - line: x\n    gives: {}\n");
    write_parser(folder, "named.yaml",
                 "name: named\nabout: a test\ntags: [nginx]\n"
                 "patterns: ['(?<src>\\S++)\\ (?<proto>\\d++)\\ (?<dport>\\d++)']\n"
                 "verdict: {from: action}\nsamples:\n  - line: x\n    gives: {}\n");
    struct parser_set *set = load(folder);
    struct matcher *m = matcher_new(set);
    for (size_t i = 0; i < COUNT(rows); i++) {
        envelope_parse(str_from(rows[i].line), scratch, &env);
        same_number(rows[i].line, matcher_match(m, &env, &e), rows[i].outcome);
    }
    matcher_free(m);
    parser_set_free(set);
}

/* Any program may be made to write what a stranger chose: a parser can name the ones whose lines it takes, and who is no process is
 * none of them. The second of two lines with the same head is judged like the first. */
static void test_programs(void **state)
{
    static const struct {
        const char *line;
        enum outcome outcome;
    } rows[] = {
        {"Nov 24 10:00:01 gw kernel: blocked 198.51.100.7 17 53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw any words: blocked 198.51.100.7 17 53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw relay[7]: blocked 198.51.100.7 17 53", OUTCOME_EVENT},
        {"Nov 24 10:00:01 gw app[7]: blocked 198.51.100.7 17 53", OUTCOME_UNMATCHED},
        {"Nov 24 10:00:01 gw app[7]: Nov 24 10:00:01 gw kernel: blocked 198.51.100.7 17 53",
         OUTCOME_UNMATCHED},
        {"<38>1 2026-11-24T10:00:01Z gw app - - - blocked 198.51.100.7 17 53", OUTCOME_EVENT},
        {"<38>1 2026-11-24T10:00:01Z gw app 7 - - blocked 198.51.100.7 17 53", OUTCOME_UNMATCHED},
        {"{\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":\"blocked 198.51.100.7 17 53\"}",
         OUTCOME_EVENT},
        {"{\"SYSLOG_IDENTIFIER\":\"app\",\"MESSAGE\":\"blocked 198.51.100.7 17 53\"}",
         OUTCOME_UNMATCHED},
    };
    struct clock_rule rule = {.year = 2026};
    const char *folder = temp_path("programs");
    static struct reader r;
    struct event e;

    (void)state;
    write_parser(folder, "any.yaml",
                 "name: any\nabout: a test\nliteral: blocked\nprograms: [other, relay]\n"
                 "patterns: ['blocked\\ (?<src>\\S++)\\ (?<proto>\\d++)\\ (?<dport>\\d++)']\n"
                 "verdict: {from: action}\nsamples:\n  - line: x\n    gives: {}\n");
    struct parser_set *set = load(folder);
    struct matcher *m = matcher_new(set);
    assert_int_equal(zone_open("UTC", &rule.zone), 0);
    reader_init(&r, m, &rule, INT64_MIN);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int twice = 0; twice < 2; twice++)
            same_number(rows[i].line, reader_line(&r, str_from(rows[i].line), &e), rows[i].outcome);
    matcher_free(m);
    parser_set_free(set);
}

/* The user's folder goes first and replaces by name; what isn't there is no fault. */
static void test_folders(void **state)
{
    const char *mine = temp_path("mine"), *shipped = temp_path("shipped");
    struct parser_set *set = parser_set_new();
    struct error err = {0};

    (void)state;
#define ONE \
    "  - 'K:\\ (?<src>\\S++)\\ (?<proto>\\w++)'\nsamples: [{line: 'K: 1.2.3.4 2', gives: {}}]\n"
    write_parser(mine, "b.yaml", HEAD("b") ONE);
    write_parser(mine, "a.yaml", HEAD("a") ONE);
    write_parser(mine, ".hidden.yaml", "nonsense");
    write_parser(mine, "a.yaml~", "nonsense");
    write_parser(shipped, "b.yaml", "nonsense, which nobody reads");
    write_parser(shipped, "c.yaml", HEAD("c") ONE);
    assert_int_equal(parser_set_add_folder(set, mine, &err), 0);
    assert_int_equal(parser_set_add_folder(set, temp_path("missing"), &err), 0);
    assert_int_equal(parser_set_add_folder(set, shipped, &err), 0);
    assert_int_equal(parser_set_count(set), 3);
    assert_string_equal(parser_set_name(set, 0), "a");
    assert_string_equal(parser_set_name(set, 1), "b");
    assert_string_equal(parser_set_name(set, 2), "c");
    assert_non_null(strstr(parser_set_path(set, 1), "/mine/b.yaml"));
    assert_int_equal(parser_set_add_folder(set, parser_set_path(set, 0), &err), -EINVAL);
    assert_non_null(strstr(faults_text(&err), "can't be read"));

    /* the first parser that fits takes the line */
    struct matcher *m = matcher_new(set);
    struct event e;
    assert_int_equal(match(m, STR("K: 1.2.3.4 2"), &e), OUTCOME_EVENT);
    assert_int_equal(matcher_parser(m), 0);
    matcher_free(m);
    parser_set_free(set);
}

/* ---- proofs ---- */

static void test_shipped_proven(void **state)
{
    struct parser_set *set = load("parsers");
    struct error err = {0};

    (void)state;
    assert_true(parser_set_count(set) > 0);
    if (parser_set_prove(set, &err) != 0)
        fail_msg("%s", faults_text(&err));
    parser_set_free(set);
}

static void test_unproven(void **state)
{
    static const char first[] =
        HEAD("first") "  - 'K:\\ (?<src>\\S++)\\ (?<proto>\\d++)'\n"
                      "samples:\n  - line: 'K: 1.2.3.4 2'\n    gives: {outcome: event}\n";
    static const char second[] = /* from line 6 on */
        HEAD("second") "  - 'K:\\ (?<src>\\S++)\\ (?<proto>[a-z]++)(?:\\ (?<sport>\\d++)\\ "
                       "(?<dport>\\d++))?+'\n"
                       "  - 'K:\\ nobody\\ (?<src>\\S++)\\ (?<proto>\\S++)'\n"
                       "samples:\n"
                       "  - line: 'K: 1.2.3.4 tcp 5 6'\n"
                       "    gives:\n"
                       "      outcome: ignored\n"
                       "      dport: 7\n"
                       "      sport: 5\n"
                       "      type: 3\n"
                       "      dst: ''\n"
                       "  - line: 'K: 1.2.3.4 2'\n"
                       "    gives: {}\n"
                       "  - line: 'K: nothing of ours'\n"
                       "    gives: {}\n"
                       "refuses:\n"
                       "  - 'K: 1.2.3.4 gre'\n"
                       "  - 'K: 1.2.3.4 2'\n"
                       "  - 'K: 1.2.3.4 tcp'\n";
    static const char faults[] =
        "7:5: no sample proves this pattern: add a line that it takes\n"
        "11:16: the outcome is 'event', not 'ignored'\n"
        "12:14: dport is '6', not '7'\n"
        "14:13: type is '', not '3'\n"
        "16:11: this sample is taken by another parser, 'first'\n"
        "18:11: no pattern takes this sample; pattern 1: it fits K: nothing of | then  "
        "ours |, but 'nothing' is no src\n"
        "21:5: this line is to be refused, but pattern 1 takes it\n";
    const char *folder = temp_path("unproven");
    struct error err = {0};
    char got[2048] = "";

    (void)state;
    write_parser(folder, "first.yaml", first);
    write_parser(folder, "second.yaml", second);
    struct parser_set *set = load(folder);
    assert_int_equal(parser_set_prove(set, &err), -EINVAL);
    for (size_t i = 0; i < err.n; i++)
        assert_non_null(strstr(err.items[i].file, "/second.yaml"));
    const char *said = faults_text(&err);
    for (const char *line = said; *line; line = strchr(line, '\n') + 1) {
        const char *at = strstr(line, "second.yaml:");
        size_t n = strcspn(at, "\n") + 1 - strlen("second.yaml:");
        strncat(got, at + strlen("second.yaml:"), n);
    }
    assert_string_equal(got, faults);
    parser_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iptables),       cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_own_prefixes),   cmocka_unit_test(test_made_to_be_slow),
        cmocka_unit_test(test_groups),         cmocka_unit_test(test_folders),
        cmocka_unit_test(test_pairs),          cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_match_limit),    cmocka_unit_test(test_tags),
        cmocka_unit_test(test_programs),       cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_shipped_proven), cmocka_unit_test(test_unproven),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}
