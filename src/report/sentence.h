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

/* "2026-11-23 16:00 - 17:00": to the minute, the second date only where it differs. */
char *sentence_when(const struct zone *zone, int64_t from, int64_t to);

/* 1234567 as "1,234,567". */
enum { SENTENCE_COUNT_MAX = 32 };
const char *sentence_count(uint64_t n, char out[SENTENCE_COUNT_MAX]);

#endif
