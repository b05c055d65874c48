/* envelope_parts.h - the parts of heads that envelope's files share. */
#ifndef SCANTIDE_PARSE_ENVELOPE_PARTS_H
#define SCANTIDE_PARSE_ENVELOPE_PARTS_H

#include "parse/cursor.h"
#include "parse/envelope.h"

#ifdef __SSE2__
#include <emmintrin.h>

/* Of most words: they have less than 16 bytes. */
static inline const char *near_blank(const struct cursor *c)
{
    if (c->end - c->p < 16)
        return NULL;
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)c->p);
    int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')));
    return mask ? c->p + __builtin_ctz((unsigned)mask) : NULL;
}
#else
static inline const char *near_blank(const struct cursor *c)
{
    (void)c;
    return NULL;
}
#endif

/* Up to the next blank. */
static inline struct str cursor_word(const struct cursor *c)
{
    const char *space = near_blank(c);

    if (!space)
        space = memchr(c->p, ' ', (size_t)(c->end - c->p));
    return (struct str){c->p, (size_t)((space ? space : c->end) - c->p)};
}

/* Past it and one blank. */
static inline void skip_word(struct cursor *c)
{
    c->p += cursor_word(c).n;
    if (c->p < c->end)
        c->p++;
}

static inline void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && *c->p == ' ')
        c->p++;
}

/* "[12345.678901] ", padded with blanks inside; true if there was one. */
bool skip_uptime(struct cursor *c);

/* "[TAG: ][uptime] MSG", or "message repeated N times: [ MSG ]" for MSG: all that is left; `depth`:
 * of heads that may still follow the tag. */
void take_message(struct cursor *c, int depth, struct envelope *out);

/* Behind the time: "[HOST ]... MSG"; `depth`: of heads that may still follow. */
void take_rest(struct cursor *c, int depth, struct envelope *out);

/* RFC 5424 behind the priority: "1 TIME HOST APP PROCID MSGID SD MSG", the version and a blank
 * known to be there. */
void take_5424(struct cursor *c, struct envelope *out);

/* A line of `journalctl -o json`; false, with nothing changed, where it is none. */
bool take_json(struct str line, char *scratch, struct envelope *out);

#endif
