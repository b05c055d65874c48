/* mkmmdb - writes a MaxMind DB file for tests, from lines "PREFIX CC" or "PREFIX NUMBER NAME" on
 * stdin to stdout.
 *
 *     printf '198.51.100.0/24 CN\n2001:db8::/32 NL\n' | mkmmdb --schema flat >country.mmdb
 *
 * A longer prefix wins over a shorter one that holds it, whatever their order. Empty lines and lines that
 * start with '#' are skipped. The schema says where a reader finds the country:
 *
 *     iso         {"country": {"iso_code": "CN"}}              as GeoLite2 and DB-IP
 *     registered  {"registered_country": {"iso_code": "CN"}}   as GeoLite2 has it for some networks
 *     flat        {"country_code": "CN"}                       as the ip-location-db files
 *     asn         {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}
 *
 * One file for both families: an IPv6 tree with IPv4 under ::/96. The same input gives the same bytes.
 * The format: https://maxmind.github.io/MaxMind-DB/ */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_MAX = 80 };

/* A record points to a node (above 0), to a code (below 0: its index inverted), or nowhere (0: the root is no
 * node's child). */
struct node {
    int32_t child[2];
};

struct network {
    uint8_t address[16];
    unsigned bits;
    unsigned code;
};

static struct node *nodes;
static size_t n_nodes;
static struct network *networks;
static size_t n_networks;
static char (*codes)[CODE_MAX + 1];
static size_t n_codes;
static bool is_asn; /* a code is a number and a name */

static const char number_key[] = "autonomous_system_number",
                  name_key[] = "autonomous_system_organization";

__attribute__((format(printf, 1, 2))) static _Noreturn void die(const char *fmt, ...)
{
    va_list ap;

    fputs("mkmmdb: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(2);
}

/* Room for one more in an array that doubles at powers of two. */
static void *grow(void *p, size_t n, size_t size)
{
    if (n & (n - 1))
        return p;
    p = realloc(p, (n ? 2 * n : 1) * size);
    if (!p)
        die("out of memory");
    return p;
}

static int32_t new_node(int32_t both)
{
    nodes = grow(nodes, n_nodes, sizeof *nodes);
    nodes[n_nodes] = (struct node){{both, both}};
    return (int32_t)n_nodes++;
}

static unsigned code_index(const char *code)
{
    for (size_t i = 0; i < n_codes; i++)
        if (strcmp(codes[i], code) == 0)
            return (unsigned)i;
    codes = grow(codes, n_codes, sizeof *codes);
    strcpy(codes[n_codes], code);
    return (unsigned)n_codes++;
}

/* Reads "PREFIX CC"; a prefix without a length is one address. */
static bool read_network(char *line, struct network *out)
{
    char *save = NULL, *end, *prefix = strtok_r(line, " \t\r\n", &save);
    char *code = strtok_r(NULL, is_asn ? "\r\n" : " \t\r\n", &save);

    memset(out, 0, sizeof *out);
    if (!code || strtok_r(NULL, " \t\r\n", &save) || strlen(code) > CODE_MAX)
        return false;
    char *length = strchr(prefix, '/');
    if (length)
        *length++ = 0;
    bool v4 = inet_pton(AF_INET, prefix, out->address + 12) == 1;
    if (!v4 && inet_pton(AF_INET6, prefix, out->address) != 1)
        return false;
    unsigned long bits = length ? strtoul(length, &end, 10) : v4 ? 32 : 128;
    if (length && (end == length || *end))
        return false;
    if (bits > (v4 ? 32 : 128))
        return false;
    out->bits = (unsigned)bits + (v4 ? 96 : 0);
    out->code = code_index(code);
    return true;
}

/* The shorter prefixes first, so that what is put in later is never wider than what it meets. */
static int by_length(const void *a, const void *b)
{
    const struct network *x = a, *y = b;

    if (x->bits != y->bits)
        return x->bits < y->bits ? -1 : 1;
    return memcmp(x->address, y->address, sizeof x->address);
}

static void insert(const struct network *net)
{
    int32_t at = 0, value = ~(int32_t)net->code;

    if (net->bits == 0) {
        nodes[0] = (struct node){{value, value}};
        return;
    }
    for (unsigned i = 0;; i++) {
        unsigned bit = net->address[i / 8] >> (7 - i % 8) & 1;
        if (i + 1 == net->bits) {
            nodes[at].child[bit] = value;
            return;
        }
        if (nodes[at].child[bit] <= 0) {
            int32_t made = new_node(nodes[at].child[bit]);
            nodes[at].child[bit] = made;
        }
        at = nodes[at].child[bit];
    }
}

static void put_be(uint64_t v, unsigned bytes)
{
    while (bytes--)
        putchar((int)(v >> 8 * bytes & 0xff));
}

/* 29 and more bytes need a second byte for the length. */
static uint32_t string_size(const char *s)
{
    return (uint32_t)strlen(s) + (strlen(s) < 29 ? 1 : 2);
}

static void put_string(const char *s)
{
    size_t n = strlen(s);

    putchar(2 << 5 | (int)(n < 29 ? n : 29));
    if (n >= 29)
        putchar((int)n - 29);
    fputs(s, stdout);
}

static void put_map(unsigned n)
{
    putchar(7 << 5 | (int)n);
}

static void put_uint16(const char *key, unsigned v)
{
    put_string(key);
    putchar(5 << 5 | 2);
    put_be(v, 2);
}

/* The file's metadata, in the order of the format's page. */
static void put_metadata(unsigned record_bits)
{
    fputs("\xab\xcd\xefMaxMind.com", stdout);
    put_map(9);
    put_uint16("binary_format_major_version", 2);
    put_uint16("binary_format_minor_version", 0);
    put_string("build_epoch");
    putchar(0 << 5 | 8); /* uint64 is an extended type: 7 + the next byte */
    putchar(9 - 7);
    put_be(1767225600, 8);
    put_string("database_type");
    put_string(is_asn ? "scantide-test-ASN" : "scantide-test-Country");
    put_string("description");
    put_map(1);
    put_string("en");
    put_string("made for a test");
    put_uint16("ip_version", 6);
    put_string("languages");
    putchar(0 << 5 | 0); /* an empty array, extended too */
    putchar(11 - 7);
    put_string("node_count");
    putchar(6 << 5 | 4);
    put_be(n_nodes, 4);
    put_uint16("record_size", record_bits);
}

static const char *name_of(const char *code)
{
    code += strcspn(code, " \t");
    return code + strspn(code, " \t");
}

static uint32_t data_size(const char *code, const char *outer, const char *inner)
{
    if (is_asn)
        return 1 + string_size(number_key) + 5 + string_size(name_key) + string_size(name_of(code));
    return (outer ? 1 + string_size(outer) : 0) + 1 + string_size(inner) + string_size(code);
}

static void put_data(const char *code, const char *outer, const char *inner)
{
    if (is_asn) {
        put_map(2);
        put_string(number_key);
        putchar(6 << 5 | 4);
        put_be(strtoul(code, NULL, 10), 4);
        put_string(name_key);
        put_string(name_of(code));
        return;
    }
    if (outer) {
        put_map(1);
        put_string(outer);
    }
    put_map(1);
    put_string(inner);
    put_string(code);
}

static void put_node(const uint32_t v[2], unsigned record_bits)
{
    if (record_bits == 28) { /* three bytes, the two upper nibbles, three bytes */
        put_be(v[0] & 0xffffff, 3);
        putchar((int)(v[0] >> 24 << 4 | v[1] >> 24));
        put_be(v[1] & 0xffffff, 3);
        return;
    }
    put_be(v[0], record_bits / 8);
    put_be(v[1], record_bits / 8);
}

int main(int argc, char **argv)
{
    const char *outer = "country", *inner = "iso_code";
    unsigned record_bits = 28;

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--schema") == 0 && strcmp(value, "iso") == 0)
            outer = "country";
        else if (strcmp(argv[i], "--schema") == 0 && strcmp(value, "registered") == 0)
            outer = "registered_country";
        else if (strcmp(argv[i], "--schema") == 0 && strcmp(value, "flat") == 0)
            outer = NULL, inner = "country_code";
        else if (strcmp(argv[i], "--schema") == 0 && strcmp(value, "asn") == 0)
            is_asn = true;
        else if (strcmp(argv[i], "--record-size") == 0 &&
                 (strcmp(value, "24") == 0 || strcmp(value, "28") == 0 || strcmp(value, "32") == 0))
            record_bits = (unsigned)atoi(value);
        else
            die("usage: mkmmdb [--schema iso|registered|flat|asn] [--record-size 24|28|32] "
                "<LIST >FILE");
    }

    char line[256];
    for (int number = 1; fgets(line, sizeof line, stdin); number++) {
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == 0)
            continue;
        networks = grow(networks, n_networks, sizeof *networks);
        if (!read_network(line, &networks[n_networks++]))
            die("line %d is no 'PREFIX CC'", number);
    }
    new_node(0);
    if (n_networks)
        qsort(networks, n_networks, sizeof *networks, by_length);
    for (size_t i = 0; i < n_networks; i++)
        insert(&networks[i]);

    /* Every code's data have their own place; a record counts from the end of the tree. */
    uint32_t *place = calloc(n_codes + 1, sizeof *place), offset = 0;
    if (!place)
        die("out of memory");
    for (size_t i = 0; i < n_codes; i++) {
        place[i] = offset;
        offset += data_size(codes[i], outer, inner);
    }
    uint64_t highest = n_nodes + 16 + offset;
    if (highest >> record_bits)
        die("too much for records of %u bits", record_bits);
    for (size_t i = 0; i < n_nodes; i++) {
        uint32_t v[2];
        for (int side = 0; side < 2; side++) {
            int32_t to = nodes[i].child[side];
            v[side] = to > 0    ? (uint32_t)to
                      : to == 0 ? (uint32_t)n_nodes
                                : (uint32_t)n_nodes + 16 + place[~to];
        }
        put_node(v, record_bits);
    }
    for (int i = 0; i < 16; i++)
        putchar(0);
    for (size_t i = 0; i < n_codes; i++)
        put_data(codes[i], outer, inner);
    put_metadata(record_bits);
    free(place);
    free(nodes);
    free(networks);
    free(codes);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
