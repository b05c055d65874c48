/* Networks are read as they are meant, and of those that hold an address the longest prefix wins. */
#include "helper.h"
#include "tag/rules.h"

/* ---- networks ---- */

static void networks_are_read(void **state)
{
    static const struct {
        const char *text;
        int rc;
        const char *network;
    } rows[] = {
        {"192.0.2.0/24", 0, "192.0.2.0/24"},
        {"192.0.2.7", 0, "192.0.2.7"},
        {"192.0.2.7/32", 0, "192.0.2.7"},
        {"0.0.0.0/0", 0, "0.0.0.0/0"},
        {"128.0.0.0/1", 0, "128.0.0.0/1"},
        {"2001:db8::/32", 0, "2001:db8::/32"},
        {"2001:db8::1", 0, "2001:db8::1"},
        {"::/0", 0, "::/0"},
        {"::ffff:192.0.2.7", 0, "192.0.2.7"},
        {"192.0.2.7/24", -ERANGE, "192.0.2.0/24"},
        {"192.0.2.129/25", -ERANGE, "192.0.2.128/25"},
        {"2001:db8::1/64", -ERANGE, "2001:db8::/64"},
        {"192.0.2.0/33", -EINVAL, NULL},
        {"2001:db8::/129", -EINVAL, NULL},
        {"192.0.2.0/", -EINVAL, NULL},
        {"192.0.2.0/024", -EINVAL, NULL},
        {"192.0.2.0/2x", -EINVAL, NULL},
        {"192.0.2.0/-1", -EINVAL, NULL},
        {"192.0.2.0/255.255.255.0", -EINVAL, NULL},
        {"192.0.2", -EINVAL, NULL},
        {"/24", -EINVAL, NULL},
        {"example.org", -EINVAL, NULL},
        {"", -EINVAL, NULL},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct network n;
        char text[NETWORK_TEXT_MAX];
        same_number(rows[i].text, network_parse(str_from(rows[i].text), &n), rows[i].rc);
        if (!rows[i].network)
            continue;
        same_number(rows[i].text, network_format(&n, text), strlen(text));
        same_text(rows[i].text, text, rows[i].network);
    }
}

/* ---- sets ---- */

enum { NETWORKS_MAX = 4000 };

struct list {
    struct rule rules[8];
    size_t n;
};

/* Adds networks, blanks between them, as a rule. */
static void add_rule(struct list *l, uint16_t number, enum rule_kind kind, const char *name,
                     const char *networks)
{
    struct rule *rule = &l->rules[l->n++];

    *rule =
        (struct rule){number, kind, strdup(name), malloc(NETWORKS_MAX * sizeof *rule->networks), 0};
    assert_non_null(rule->networks);
    for (const char *p = networks; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        assert_true(network_parse((struct str){p, n}, &rule->networks[rule->n++]) == 0);
        p += n;
    }
}

static void list_fini(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        rule_fini(&l->rules[i]);
    l->n = 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip = {0};
    if (*text)
        assert_int_equal(ip_parse(str_from(text), &ip), 0);
    return ip;
}

static void longest_prefix_wins(void **state)
{
    static const struct {
        const char *ip;
        uint16_t rule;
    } rows[] = {
        {"9.255.255.255", 0},
        {"10.0.0.0", 3},
        {"10.1.255.255", 3},
        {"10.2.0.0", 5}, /* a network in a network */
        {"10.2.2.255", 5},
        {"10.2.3.4", 3}, /* an address within that */
        {"10.2.3.5", 5},
        {"10.3.0.0", 3}, /* behind it */
        {"10.255.255.255", 3},
        {"11.0.0.0", 5}, /* side by side */
        {"11.255.255.255", 5},
        {"12.0.0.0", 0},
        {"192.0.2.1", 3}, /* two rules name the same: the earlier one */
        {"0.0.0.0", 0},
        {"255.255.255.254", 0},
        {"255.255.255.255", 5}, /* the last of all */
        {"2001:db7:ffff::", 0},
        {"2001:db8::", 3},
        {"2001:db8:1::", 5},
        {"2001:db8:1:ffff::1", 5},
        {"2001:db8:2::", 3},
        {"2001:db9::", 0},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 5},
        {"::", 0},
        {"::a00:1", 0}, /* 10.0.0.1's number, but no IPv4 address */
        {"", 0},
    };
    struct list l = {0};
    (void)state;

    add_rule(&l, 3, RULE_EXCLUDE, "exclude", "10.0.0.0/8 10.2.3.4 192.0.2.0/24 2001:db8::/32");
    add_rule(&l, 5, RULE_SCANNER, "lab",
             "192.0.2.0/24 11.0.0.0/8 10.2.0.0/16 2001:db8:1::/48 255.255.255.255 "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    struct rules *r = rules_new(l.rules, l.n);
    list_fini(&l);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ip ip = ip_of(rows[i].ip);
        same_number(rows[i].ip, rules_find(r, &ip), rows[i].rule);
    }
    assert_true(rules_is_excluded(r, 3) && !rules_is_scanner(r, 3));
    assert_true(!rules_is_excluded(r, 5) && rules_is_scanner(r, 5));
    assert_true(!rules_is_excluded(r, 0) && !rules_is_scanner(r, 4) && !rules_is_excluded(r, 6));
    same_text("name", rules_get(r, 5)->name, "lab");
    rules_free(r);
}

static void all_and_nothing(void **state)
{
    struct list l = {0};
    struct ip any4 = ip_of("203.0.113.9"), any6 = ip_of("2001:db8::9");
    (void)state;

    same_number("no set", rules_find(NULL, &any4), 0);
    assert_true(rules_match_none(NULL));
    struct rules *r = rules_new(NULL, 0);
    same_number("no rule", rules_find(r, &any4), 0);
    assert_true(rules_match_none(r));
    rules_free(r);

    add_rule(&l, 1, RULE_EXCLUDE, "exclude", "0.0.0.0/0");
    add_rule(&l, 2, RULE_EXCLUDE, "empty", "");
    r = rules_new(l.rules, l.n);
    same_number("all of IPv4", rules_find(r, &any4), 1);
    same_number("none of IPv6", rules_find(r, &any6), 0);
    assert_false(rules_match_none(r));
    rules_free(r);
    list_fini(&l);

    add_rule(&l, 1, RULE_EXCLUDE, "exclude", "::/0");
    r = rules_new(l.rules, l.n);
    same_number("none of IPv4", rules_find(r, &any4), 0);
    same_number("all of IPv6", rules_find(r, &any6), 1);
    rules_free(r);
    list_fini(&l);
}

/* ---- against a naive search ---- */

static uint16_t naive_find(const struct list *l, const struct ip *ip)
{
    int longest = -1;
    uint16_t number = 0;

    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->rules[i].n; k++) {
            const struct network *n = &l->rules[i].networks[k];
            bool holds = n->ip.family == ip->family;
            for (unsigned bit = 0; holds && bit < n->bits; bit++)
                holds = !((n->ip.b[bit / 8] ^ ip->b[bit / 8]) & 0x80 >> bit % 8);
            if (holds && n->bits > longest) {
                longest = n->bits;
                number = l->rules[i].number;
            }
        }
    return number;
}

/* Addresses lie close together, so that networks nest and touch. */
static struct ip random_ip(uint64_t *seed, bool six)
{
    struct ip ip = {six ? 6 : 4, {0}};

    for (int i = 0; i < (six ? 16 : 4); i++)
        ip.b[i] =
            (uint8_t)(random_below(seed, 3) ? random_below(seed, 2) * 0xff : random_below(seed, 4));
    return ip;
}

static void finds_what_a_naive_search_finds(void **state)
{
    static const size_t sizes[] = {1, 3, 40, NETWORKS_MAX};
    uint64_t seed = 5;
    (void)state;

    for (size_t z = 0; z < COUNT(sizes); z++)
        for (int round = 0; round < (sizes[z] > 100 ? 1 : 20); round++) {
            struct list l = {0};
            for (uint16_t i = 0; i < 3; i++) {
                add_rule(&l, (uint16_t)(7 - i), i ? RULE_SCANNER : RULE_EXCLUDE, "x", "");
                for (size_t k = 0; k < sizes[z]; k++) {
                    char text[NETWORK_TEXT_MAX];
                    bool six = random_below(&seed, 2);
                    struct ip ip = random_ip(&seed, six);
                    size_t n = ip_format(&ip, text);
                    snprintf(text + n, sizeof text - n, "/%u", random_below(&seed, six ? 129 : 33));
                    struct network *network = &l.rules[i].networks[l.rules[i].n];
                    l.rules[i].n += network_parse(str_from(text), network) != -EINVAL;
                }
                rule_sort(&l.rules[i]);
            }
            struct rules *r = rules_new(l.rules, l.n);
            for (int i = 0; i < 500; i++) {
                struct ip ip = random_ip(&seed, random_below(&seed, 2));
                char text[IP_TEXT_MAX];
                ip_format(&ip, text);
                same_number(text, rules_find(r, &ip), naive_find(&l, &ip));
            }
            rules_free(r);
            list_fini(&l);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read),
        cmocka_unit_test(longest_prefix_wins),
        cmocka_unit_test(all_and_nothing),
        cmocka_unit_test(finds_what_a_naive_search_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
