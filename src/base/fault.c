#include "base/fault.h"

#ifdef SCANTIDE_FAULTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

static struct step {
    const char *name, *what;
    atomic_long passes;
} steps[] = {
    /* In the order in which a line's facts go through them. */
    {.name = "opened", .what = "facts.db is there, before it has tables"},
    {.name = "schema", .what = "it has them"},
    {.name = "named",
     .what = "sensors have their configured names, the rules are still the old ones"},
    {.name = "moved", .what = "rules have changed: an hour's counts were moved"},
    {.name = "ruled", .what = "all were, and the rules are noted, before COMMIT"},
    {.name = "answered", .what = "run: a file was found to be a known log or a new one"},
    {.name = "read", .what = "a block of lines was read"},
    {.name = "parsed", .what = "its lines were parsed and counted"},
    {.name = "swapped", .what = "run: the counts were taken away for a commit"},
    {.name = "begun", .what = "the transaction was begun"},
    {.name = "encoded", .what = "a segment was encoded"},
    {.name = "segment", .what = "in the transaction, after a segment"},
    {.name = "traced", .what = "in it, after the last minutes' events of a sensor"},
    {.name = "segments", .what = "in it, after all segments of a log"},
    {.name = "position", .what = "in it, after the log's position"},
    {.name = "watched", .what = "in it, after what was watched"},
    {.name = "commit", .what = "before COMMIT"},
    {.name = "committed", .what = "after COMMIT"},
    {.name = "mark", .what = "before the written mark of a sensor's series"},
    {.name = "marked", .what = "after it"},
    {.name = "noted", .what = "a sensor's series are noted as not synced"},
    {.name = "template", .what = "librrd made an empty file to copy"},
    {.name = "copied", .what = "a new series has its empty file"},
    {.name = "filled", .what = "a new series has a window of rows"},
    {.name = "update", .what = "before an old series' rows"},
    {.name = "torn", .what = "in the middle of them, the file half written"},
    {.name = "updated", .what = "after them, not yet noted as done"},
    {.name = "written", .what = "after that, others of the batch not yet written"},
    {.name = "rename", .what = "before a made series takes its place"},
    {.name = "renamed", .what = "after it"},
    {.name = "slice", .what = "a slice of the files is written, more are to come"},
    {.name = "lateness", .what = "all series made again, before they are noted to be whole"},
    {.name = "whole", .what = "after it"},
    {.name = "swept", .what = "after the removal of series that are no more"},
    {.name = "disk", .what = "the series are synced, before that is noted"},
    {.name = "fold", .what = "folding: before an hour's rows are replaced"},
    {.name = "unfolded", .what = "the rows are gone, the folded one isn't there yet"},
    {.name = "bounded", .what = "an hour's rows have become too many and were made fewer"},
    {.name = "folded", .what = "an hour is folded and has its margin, before COMMIT"},
    {.name = "thin", .what = "a day's sources are thinned, its sketches not yet"},
    {.name = "thinned", .what = "a day or an hour long past is thinned, before COMMIT"},
    {.name = "forgotten", .what = "prune: logs are forgotten, their counts still there"},
    {.name = "pruned", .what = "prune: both are gone, before COMMIT"},
    {.name = "stop", .what = "run: told to stop"},
    {.name = "stopped", .what = "run: the last commit and the series are written"},
    {.name = "synced", .what = "the write-ahead log went into the database"},
};

enum { STEPS = sizeof steps / sizeof *steps, SPOILT_BYTES = 4096 };

/* What the environment asks for. */
static const struct step *wanted;
static long wanted_pass;
static const char *counts_path, *clock_path;

static _Noreturn void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static struct step *find_step(const char *name, size_t n)
{
    for (size_t i = 0; i < STEPS; i++)
        if (strlen(steps[i].name) == n && memcmp(steps[i].name, name, n) == 0)
            return &steps[i];
    return NULL;
}

static void write_counts(void)
{
    FILE *f = fopen(counts_path, "w");

    for (size_t i = 0; f && i < STEPS; i++)
        fprintf(f, "%s %ld\n", steps[i].name, atomic_load(&steps[i].passes));
    if (f)
        fclose(f);
}

static void list_steps(void)
{
    for (size_t i = 0; i < STEPS; i++)
        printf("%-10s %s\n", steps[i].name, steps[i].what);
    exit(0);
}

static void read_wanted(const char *text)
{
    const char *colon = strchr(text, ':');

    wanted = find_step(text, colon ? (size_t)(colon - text) : strlen(text));
    wanted_pass = colon ? strtol(colon + 1, NULL, 10) : 1;
    if (wanted && wanted_pass > 0)
        return;
    fprintf(stderr,
            "scantide: SCANTIDE_FAULT=%s: a step of SCANTIDE_FAULT=list and ':N' is meant\n", text);
    exit(2);
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *fault = getenv("SCANTIDE_FAULT");

    counts_path = getenv("SCANTIDE_FAULT_COUNTS");
    clock_path = getenv("SCANTIDE_CLOCK");
    if (fault && strcmp(fault, "list") == 0)
        list_steps();
    if (fault && *fault)
        read_wanted(fault);
    if (counts_path)
        atexit(write_counts);
}

/* Whether this pass is the one. */
static bool is_due(const char *name)
{
    struct step *step = find_step(name, strlen(name));

    ASSERT(step);
    long pass = atomic_fetch_add(&step->passes, 1) + 1;
    return step == wanted && pass == wanted_pass;
}

void fault_pass(const char *name)
{
    if (is_due(name))
        die();
}

/* Beyond the header, which would tell. */
void fault_pass_torn(const char *name, const char *path)
{
    char spoilt[SPOILT_BYTES];
    struct stat st;

    if (!is_due(name))
        return;
    memset(spoilt, 0x41, sizeof spoilt);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ASSERT(fd >= 0 && fstat(fd, &st) == 0);
    for (off_t at = st.st_size / 4; at + SPOILT_BYTES < st.st_size; at += SPOILT_BYTES)
        ASSERT(pwrite(fd, spoilt, sizeof spoilt, at) == SPOILT_BYTES);
    die();
}

int64_t fault_clock_s(void)
{
    long long wrong = 0;
    FILE *f = clock_path ? fopen(clock_path, "r") : NULL;

    if (f && fscanf(f, "%lld", &wrong) != 1)
        wrong = 0;
    if (f)
        fclose(f);
    return wrong;
}

#endif
