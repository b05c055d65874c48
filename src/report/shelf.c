#include "report/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "base/language.h"
#include "base/lock.h"
#include "base/when.h"
#include "report/document.h"

/* The first of them that a day has is what its line leads to. */
static const char *const endings[] = {"html", "md", "txt", "json"};
enum { ENDINGS = sizeof endings / sizeof *endings, DATE = 10, HEAD_BYTES = 4096 };

struct day {
    int64_t number;   /* days since 1970 */
    unsigned endings; /* bits */
    char *summary;    /* NULL: none is known */
};

struct shelf {
    char *folder;
    int lock;
    struct day *days; /* as they were found */
    size_t n, cap;
};

static struct day *day_of(struct shelf *s, int64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->days[i].number == number)
            return &s->days[i];
    if (s->n == s->cap)
        s->days = xrealloc(s->days, s->cap = s->cap * 2 + 64, sizeof *s->days);
    s->days[s->n] = (struct day){.number = number};
    return &s->days[s->n++];
}

/* "2026-11-23", with whatever behind it. */
static bool read_date(const char *text, int64_t *number)
{
    static const char form[] = "dddd-dd-dd";
    unsigned year = 0, month = 0, day = 0;

    for (size_t i = 0; i < DATE; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    if (sscanf(text, "%4u-%2u-%2u", &year, &month, &day) != 3 || month < 1 || month > 12 ||
        day < 1 || day > 31)
        return false;
    *number = civil_days((int)year, month, day);
    return true;
}

static char *date_of(int64_t number)
{
    struct civil c = civil_from_seconds(number * 86400);

    return xasprintf("%04d-%02u-%02u", c.year, c.month, c.day);
}

/* ---- reading ---- */

static void find_reports(struct shelf *s, DIR *dir)
{
    const struct dirent *e;
    int64_t number;

    while ((e = readdir(dir)))
        for (unsigned i = 0; i < ENDINGS; i++)
            if (read_date(e->d_name, &number) && e->d_name[DATE] == '.' &&
                strcmp(e->d_name + DATE + 1, endings[i]) == 0)
                day_of(s, number)->endings |= 1u << i;
}

static void read_summaries(struct shelf *s)
{
    char *path = xasprintf("%s/.summaries", s->folder), *line = NULL;
    FILE *f = fopen(path, "re");
    size_t room = 0;
    ssize_t n;
    int64_t number;

    while (f && (n = getline(&line, &room, f)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        if (!read_date(line, &number) || line[DATE] != '\t')
            continue;
        struct day *d = day_of(s, number);
        free(d->summary);
        d->summary = xstrdup(line + DATE + 1);
    }
    if (f)
        fclose(f);
    free(line);
    free(path);
}

/* With those above it. */
static int make_folder(const char *folder)
{
    char *path = xstrdup(folder);
    int rc = 0;

    for (char *p = path + 1; rc == 0 && *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        rc = mkdir(path, 0777) != 0 && errno != EEXIST ? -errno : 0;
        *p = '/';
    }
    if (rc == 0 && mkdir(path, 0777) != 0 && errno != EEXIST)
        rc = -errno;
    free(path);
    return rc;
}

int shelf_open(const char *folder, struct shelf **out, struct error *err)
{
    *out = NULL;
    int made = make_folder(folder);
    if (made < 0) {
        access_fault(folder, ACCESS_WRITE, made, err);
        return made;
    }
    int lock = lock_take(folder, ".lock", true);
    DIR *dir = lock < 0 ? NULL : opendir(folder);
    if (!dir) {
        int rc = lock < 0 ? lock : -errno;
        access_fault(folder, ACCESS_WRITE, rc, err);
        if (lock >= 0)
            lock_release(lock);
        return rc;
    }
    struct shelf *s = xcalloc(1, sizeof *s);
    s->folder = xstrdup(folder);
    s->lock = lock;
    find_reports(s, dir);
    closedir(dir);
    read_summaries(s);
    *out = s;
    return 0;
}

void shelf_close(struct shelf *s)
{
    if (!s)
        return;
    lock_release(s->lock);
    for (size_t i = 0; i < s->n; i++)
        free(s->days[i].summary);
    free(s->days);
    free(s->folder);
    free(s);
}

bool shelf_newest(const struct shelf *s, const char *ending, int64_t until, int64_t *day)
{
    bool any = false;

    for (size_t i = 0; i < s->n; i++)
        for (unsigned k = 0; k < ENDINGS; k++)
            if (s->days[i].endings >> k & 1 && strcmp(endings[k], ending) == 0 &&
                s->days[i].number <= until && (!any || s->days[i].number > *day)) {
                *day = s->days[i].number;
                any = true;
            }
    return any;
}

void shelf_tell(struct shelf *s, const char *day, const char *summary)
{
    int64_t number;

    if (!read_date(day, &number))
        return;
    struct day *d = day_of(s, number);
    free(d->summary);
    d->summary = xstrdup(summary);
}

/* ---- writing ---- */

static int by_newest(const void *a, const void *b)
{
    const struct day *x = a, *y = b;
    return (x->number < y->number) - (x->number > y->number);
}

/* What the folder has now: others may have been put there, or taken away, since it was opened. */
static int look_again(struct shelf *s)
{
    DIR *dir = opendir(s->folder);

    if (!dir)
        return -errno;
    for (size_t i = 0; i < s->n; i++)
        s->days[i].endings = 0;
    find_reports(s, dir);
    closedir(dir);
    if (s->n)
        qsort(s->days, s->n, sizeof *s->days, by_newest);
    return 0;
}

/* A file of the folder that is being written under another name. */
struct draft_file {
    char *path, *temporary;
    FILE *f;
};

static int begin(const struct shelf *s, const char *name, struct draft_file *d)
{
    d->path = xasprintf("%s/%s", s->folder, name);
    d->temporary = xasprintf("%s/.%s.new", s->folder, name);
    d->f = fopen(d->temporary, "we");
    return d->f ? 0 : -errno;
}

static int end(struct draft_file *d, int rc, struct error *err)
{
    if (d->f && fclose(d->f) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(d->temporary, d->path) != 0)
        rc = -errno;
    if (rc < 0) {
        unlink(d->temporary);
        access_fault(d->path, ACCESS_WRITE, rc, err);
    }
    free(d->path);
    free(d->temporary);
    return rc;
}

static int write_summaries(const struct shelf *s, struct error *err)
{
    struct draft_file d;
    int rc = begin(s, ".summaries", &d);

    for (size_t i = 0; i < s->n && rc == 0; i++) {
        char *date = date_of(s->days[i].number);
        if (s->days[i].endings && s->days[i].summary)
            fprintf(d.f, "%s\t%s\n", date, s->days[i].summary);
        free(date);
    }
    if (rc == 0 && ferror(d.f))
        rc = -EIO;
    return end(&d, rc, err);
}

static void list_day(struct document *doc, const struct day *d)
{
    char text[WHEN_TEXT_MAX], *date = date_of(d->number);
    bool first = true;

    document_item(doc, d->summary ? d->summary : "");
    for (unsigned i = 0; i < ENDINGS; i++) {
        if (!(d->endings >> i & 1))
            continue;
        char *path = xasprintf("%s.%s", date, endings[i]);
        document_link(doc, first ? when_listed(d->number, text) : endings[i], path);
        first = false;
        free(path);
    }
    free(date);
}

static struct document *list_days(const struct shelf *s)
{
    struct document *doc = document_new(language_name(), _("Port scans day by day"),
                                        _("Made by scantide from firewall logs."));
    char month[WHEN_TEXT_MAX], last[WHEN_TEXT_MAX] = "";

    for (size_t i = 0; i < s->n; i++) {
        if (!s->days[i].endings)
            continue;
        when_month(s->days[i].number, month);
        if (strcmp(month, last) != 0)
            document_heading(doc, 2, month);
        memcpy(last, month, sizeof last);
        list_day(doc, &s->days[i]);
    }
    return doc;
}

/* Nobody's, or made here before. */
static bool is_ours(const char *path)
{
    FILE *f = fopen(path, "re");
    char head[HEAD_BYTES + 1];

    if (!f)
        return true;
    head[fread(head, 1, HEAD_BYTES, f)] = 0;
    fclose(f);
    return strstr(head, "<meta name=\"generator\" content=\"scantide\"") != NULL;
}

static int write_index(const struct shelf *s, struct error *err)
{
    struct draft_file d;
    struct document *doc = list_days(s);
    int rc = begin(s, "index.html", &d);

    if (rc == 0)
        rc = document_html(doc, NULL, d.f);
    document_free(doc);
    return end(&d, rc, err);
}

int shelf_index(struct shelf *s, struct error *err)
{
    char *path = xasprintf("%s/index.html", s->folder);
    bool ours = is_ours(path);
    int rc = look_again(s);

    if (rc < 0)
        access_fault(s->folder, ACCESS_READ, rc, err);
    if (rc == 0)
        rc = write_summaries(s, err);
    if (rc == 0 && !ours)
        error_add(err, path, 0, 0,
                  "somebody else made it, so it stays, and there is no index of the reports here: "
                  "move it away");
    else if (rc == 0)
        rc = write_index(s, err);
    free(path);
    return rc;
}
