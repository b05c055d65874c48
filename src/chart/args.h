/* args.h - an argument vector that grows, and the shell's text of it. Pure. One thread at a time
 * per object.
 *
 *     struct args a = {0};
 *     args_add(&a, "rrdtool");
 *     args_option(&a, "--width", xasprintf("%u", width));
 *     puts(text = args_shell(&a, "Europe/Berlin"));
 *     args_fini(&a);
 */
#ifndef SCANTIDE_CHART_ARGS_H
#define SCANTIDE_CHART_ARGS_H

#include <stddef.h>

/* Zero-initialised is empty; v[n] is NULL once there is an argument. */
struct args {
    char **v;
    size_t n;
};

void args_fini(struct args *a);

/* Takes `arg` over. */
void args_push(struct args *a, char *arg);

__attribute__((format(printf, 2, 3))) void args_add(struct args *a, const char *fmt, ...);

/* Two arguments; `value` is taken over. */
void args_option(struct args *a, const char *name, char *value);

/* For a POSIX shell: the time zone and a UTF-8 locale, the first three arguments, then one
 * argument (or option with its value) a line. The caller frees it. */
char *args_shell(const struct args *a, const char *zone);

#endif
