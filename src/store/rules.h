/* rules.h - the rules that the facts were counted with, and how a change of them reaches back.
 *
 * Every bin holds its events by the number of the rule that their source falls under (0: none).
 * What is committed is counted with the rules that the facts hold at that moment, and a change of
 * rules moves what was counted before, in the same transaction. So the bins of all hours whose
 * sources are known always agree with the rules in the facts, whoever else writes; hours before
 * those keep the numbers that they have, and so do sources that were made anonymous.
 *
 * A rule is known by its kind and name; its number never changes and is never given to another.
 *
 *     struct rules_change change;
 *     if (store_set_rules(s, conf->rules, conf->rule_count, &change) == 0 && change.differ)
 *         ... */
#ifndef SCANTIDE_STORE_RULES_H
#define SCANTIDE_STORE_RULES_H

#include "store/store.h"
#include "tag/rules.h"

/* The rules in the facts as they stand now. The set is the store's, valid until the next call. */
int store_rules(struct store *s, const struct rules **out);

/* The rule of a source of the facts: by its address, or, where that was made anonymous, the one
 * that it was counted with. */
static inline uint16_t rules_of(const struct rules *r, const struct source_fact *f)
{
    return f->kept_rule ? (uint16_t)(f->kept_rule - 1) : rules_find(r, &f->source);
}

struct rules_change {
    bool differ;     /* from those in the facts */
    uint64_t events; /* that were moved to another number */
    uint64_t stuck;  /* that should have been, but their bins don't tell them apart any more */
    /* Start of the first hour whose sources are known, of that sensor of which it is the latest;
     * INT64_MAX: of none. */
    int64_t reach;
    bool older;     /* there are counts before it */
    bool anonymous; /* there are anonymous sources, which keep their rule */
    uint64_t
        lean; /* hours of which only the heaviest sources are known, floods and days long past */
};

/* Makes the list the rules of the facts and moves the counts: one transaction. The numbers in the
 * list don't matter, its order does where two rules name the same network. Series that were written
 * with other counts become stale. -ENOSPC: there are no more numbers. */
int store_set_rules(struct store *s, const struct rule *list, size_t n, struct rules_change *out);

/* The same as a question: changes nothing, *out tells whether and how far it would (no events). */
int store_compare_rules(struct store *s, const struct rule *list, size_t n,
                        struct rules_change *out);

#endif
