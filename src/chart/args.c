#include "chart/args.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void args_push(struct args *a, char *arg)
{
    a->v = xrealloc(a->v, a->n + 2, sizeof *a->v);
    a->v[a->n++] = arg;
    a->v[a->n] = NULL;
}

void args_add(struct args *a, const char *fmt, ...)
{
    char *arg = NULL;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&arg, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0);
    args_push(a, arg);
}

void args_option(struct args *a, const char *name, char *value)
{
    args_push(a, xstrdup(name));
    args_push(a, value);
}

void args_fini(struct args *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->v[i]);
    free(a->v);
    *a = (struct args){0};
}

static bool is_plain(const char *arg)
{
    return *arg &&
           strspn(arg,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") ==
               strlen(arg);
}

/* Within single quotes only the quote itself means something (POSIX 2.2.2). */
static void put_quoted(FILE *f, const char *arg)
{
    if (is_plain(arg)) {
        fputs(arg, f);
        return;
    }
    fputc('\'', f);
    for (; *arg; arg++) {
        if (*arg == '\'')
            fputs("'\\''", f);
        else
            fputc(*arg, f);
    }
    fputc('\'', f);
}

char *args_shell(const struct args *a, const char *zone)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ASSERT(f);
    fputs("TZ=", f);
    put_quoted(f, zone);
    fputs(" LC_ALL=C.UTF-8", f);
    for (size_t i = 0; i < a->n; i++) {
        bool value = strncmp(a->v[i], "--", 2) != 0 && strncmp(a->v[i - (i > 0)], "--", 2) == 0;
        fputs(i < 3 || value ? " " : " \\\n    ", f);
        put_quoted(f, a->v[i]);
    }
    fputc('\n', f);
    fclose(f);
    return text;
}
