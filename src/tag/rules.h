/* rules.h - which networks are excluded, and which are a known scanner's: an immutable set.
 *
 * A rule is a name and its networks. Of the networks that hold an address the longest prefix wins;
 * where two rules name the same network, the earlier one in the list. 0 is the number of no rule.
 *
 * Pure. rules_find may be called from any number of threads and allocates nothing: nothing where
 * there are no rules, a few steps of a binary search where there are some.
 *
 *     struct rules *r = rules_new(list, n);
 *     uint16_t number = rules_find(r, &event.source);
 *     if (rules_is_excluded(r, number)) ...
 *     rules_free(r); */
#ifndef SCANTIDE_TAG_RULES_H
#define SCANTIDE_TAG_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

struct network {
    struct ip ip; /* its first address */
    uint8_t bits; /* of the prefix: up to 32 or 128 */
};

enum { NETWORK_TEXT_MAX = IP_TEXT_MAX + 4 };

/* Reads "192.0.2.0/24", "2001:db8::/32" or an address, which is a network of its own. Returns 0;
 * -EINVAL: no network; -ERANGE: an address within the network *out (192.0.2.7/24 gives
 * 192.0.2.0/24). */
int network_parse(struct str text, struct network *out);

/* Its text with the prefix, but for a whole address; returns the length. */
size_t network_format(const struct network *n, char out[NETWORK_TEXT_MAX]);

/* IPv4 before IPv6, then by address, the wider one first. */
int network_compare(const struct network *a, const struct network *b);

enum rule_kind {
    RULE_EXCLUDE, /* in no ranking and no series unless asked for */
    RULE_SCANNER  /* a known scanner: counted as usual, shown by name */
};

struct rule {
    uint16_t number; /* from 1 */
    enum rule_kind kind;
    char *name;
    struct network *networks;
    size_t n;
};

/* "exclude", "scanner". */
const char *rule_kind_name(enum rule_kind kind);

/* Puts the networks in order, each once. */
void rule_sort(struct rule *rule);

/* What the rule holds, not the rule itself. */
void rule_fini(struct rule *rule);

struct rules;

/* The list is copied. */
struct rules *rules_new(const struct rule *list, size_t n);
void rules_free(struct rules *r);

/* The number of the rule that the address falls under, or 0. NULL is a set without rules. */
uint16_t rules_find(const struct rules *r, const struct ip *ip);

/* The rule of a number, or NULL. */
const struct rule *rules_get(const struct rules *r, uint16_t number);
bool rules_is_excluded(const struct rules *r, uint16_t number);
bool rules_is_scanner(const struct rules *r, uint16_t number);

/* All of them, in the list's order. */
size_t rules_list(const struct rules *r, const struct rule **list);

/* Whether no address falls under any. */
bool rules_match_none(const struct rules *r);

#endif
