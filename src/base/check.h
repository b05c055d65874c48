/* check.h - ASSERT for our own broken invariants, and allocation that can't fail.
 *
 * ASSERT is on in release too: a count that can't be trusted is worse than a restart from the
 * facts. Memory that the machine refuses is treated alike; every large table is bounded before it
 * is asked for. */
#ifndef SCANTIDE_BASE_CHECK_H
#define SCANTIDE_BASE_CHECK_H

#include <stddef.h>

#define ASSERT(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

_Noreturn void check_failed(const char *what, const char *file, int line);

/* As malloc, calloc, reallocarray and strdup; abort with a sentence instead of returning NULL. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
__attribute__((format(printf, 1, 2))) char *xasprintf(const char *fmt, ...);

#endif
