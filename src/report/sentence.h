/* sentence.h - a finding in words, in the reader's language (base/language.h): who, what, when, how
 * many. Pure but for the chosen language. */
#ifndef SCANTIDE_REPORT_SENTENCE_H
#define SCANTIDE_REPORT_SENTENCE_H

#include "base/zone.h"
#include "report/findings.h"

/* "23/tcp: a flood of 4,512 events from 203.0.113.7 (CA) against 192.0.2.10 (2026-11-23 16:02 -
 * 16:11), up to 45 a second." The caller frees it. */
char *sentence_of(const struct finding *f, const struct zone *zone);

/* What a verdict is called in a table. */
const char *sentence_verdict(unsigned verdict);

/* 1234567 as "1,234,567", and of something: "1 event", "12 ports", "~4,711 sources". */
enum { SENTENCE_COUNT_MAX = 96 };
const char *sentence_count(uint64_t n, char out[SENTENCE_COUNT_MAX]);
const char *sentence_events(uint64_t n, char out[SENTENCE_COUNT_MAX]);
const char *sentence_ports(uint64_t n, char out[SENTENCE_COUNT_MAX]);
const char *sentence_sources(uint64_t n, bool exact, char out[SENTENCE_COUNT_MAX]);

/* "China (CN)"; the caller frees it. */
char *sentence_country(uint16_t country);

#endif
