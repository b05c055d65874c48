/* Logs taken in whole: once, from any number of threads the same, and never a line without an account. */
#include "pipeline/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "facts_dump.h"
#include "store/store.h"

static struct parser_set *parsers;
static struct geo *geo;

static int set_up(void **state)
{
    struct error err = {0};

    parsers = parser_set_new();
    parser_set_add_folder(parsers, "parsers", &err);
    geo = geo_none();
    if (err.n)
        error_print(&err, stderr);
    return err.n ? -1 : temp_make(state);
}

static int tear_down(void **state)
{
    parser_set_free(parsers);
    geo_close(geo);
    return temp_remove(state);
}

/* A folder of its own for each import into nothing. */
static const char *fresh_folder(void)
{
    static unsigned n;
    char name[32];
    snprintf(name, sizeof name, "data%u", n++);
    return temp_path(name);
}

struct how {
    const char *sensor, *zone;
    int year;
    unsigned threads;
    const char *now;
};

/* Imports into the folder; the faults are left in *err. */
static int import_into(const char *data, const char *path, struct how how,
                       struct import_report *report, struct error *err)
{
    struct store *s;
    struct import_options o = {.parsers = parsers,
                               .geo = geo,
                               .sensor = how.sensor ? how.sensor : "",
                               .zone = open_zone(how.zone ? how.zone : "UTC"),
                               .year = how.year,
                               .threads = how.threads ? how.threads : 2,
                               .now = utc(how.now ? how.now : "2026-11-24T12:00:00")};

    if (store_open(data, STORE_WRITE, &s, err) < 0)
        fail_msg("%s", faults_text(err));
    o.store = s;
    int rc = import_log(&o, path, report, err);
    uint64_t sum = 0;
    for (int i = 0; i < OUTCOMES; i++)
        sum += report->counts.by[i];
    assert_int_equal(sum, report->counts.lines);
    store_close(s);
    return rc;
}

static struct import_report import_good(const char *data, const char *path, struct how how)
{
    struct error err = {0};
    struct import_report report;

    if (import_into(data, path, how, &report, &err) != 0)
        fail_msg("%s", faults_text(&err));
    assert_int_equal(err.n, 0);
    return report;
}

static void same_counts(const char *row, const struct import_report *r, uint64_t events,
                        uint64_t ignored, uint64_t unmatched, uint64_t lost)
{
    same_number(row, r->counts.by[OUTCOME_EVENT], events);
    same_number(row, r->counts.by[OUTCOME_IGNORED], ignored);
    same_number(row, r->counts.by[OUTCOME_UNMATCHED], unmatched);
    same_number(row, r->counts.by[OUTCOME_LOST], lost);
    same_number(row, r->counts.lines, events + ignored + unmatched + lost);
}

/* ---- logs to read ---- */

static void set_time(const char *path, const char *when)
{
    struct timespec times[2] = {{.tv_sec = utc(when)}, {.tv_sec = utc(when)}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Writes bytes at the end of a file (or as a new one), last written at `when`. */
static void write_bytes(const char *path, const char *mode, const char *bytes, size_t n,
                        const char *when)
{
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    set_time(path, when);
}

static void write_text(const char *path, const char *mode, const char *text)
{
    write_bytes(path, mode, text, strlen(text), "2026-11-24T11:00:00");
}

static void copy_part(const char *from, const char *to, long n, const char *when)
{
    char *bytes = malloc((size_t)n);
    FILE *f = fopen(from, "r");
    assert_non_null(bytes);
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, (size_t)n, f), n);
    fclose(f);
    write_bytes(to, "w", bytes, (size_t)n, when);
    free(bytes);
}

#define PACKET(source, port)                                                                   \
    "kernel: [1.5] IN=eth0 OUT= MAC= SRC=" source " DST=192.0.2.10 LEN=40 TOS=0x00 PREC=0x00 " \
    "TTL=241 ID=54321 PROTO=TCP SPT=41234 DPT=" port " WINDOW=1024 RES=0x00 SYN URGP=0 "
#define LINE(stamp) stamp " gw " PACKET("198.51.100.7", "23") "\n"

enum stamps { YEARLESS, WITH_YEAR, RFC3339 };

/* A log of events and, now and then, others, spread evenly from `from` to `to`, the stamps in the zone. Returns the events
 * in it. */
static uint64_t write_log(const char *path, const char *zone, const char *from, const char *to,
                          unsigned lines, enum stamps stamps, uint64_t seed)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const struct zone *z = open_zone(zone);
    int64_t begin = utc(from), span = utc(to) - begin;
    uint64_t events = 0;
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    for (unsigned i = 0; i < lines; i++) {
        int64_t when = begin + span * i / (lines - 1);
        int offset = zone_offset(z, when);
        struct civil c = civil_from_seconds(when + offset);
        if (stamps == YEARLESS)
            fprintf(f, "%s %2u %02u:%02u:%02u", months[c.month - 1], c.day, c.hour, c.minute,
                    c.second);
        else
            fprintf(f, "%04d-%02u-%02u%c%02u:%02u:%02u", c.year, c.month, c.day,
                    stamps == RFC3339 ? 'T' : ' ', c.hour, c.minute, c.second);
        if (stamps == RFC3339)
            fprintf(f, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 3600,
                    abs(offset) / 60 % 60);
        if (random_below(&seed, 50) == 0) {
            fprintf(f, " gw sshd[%u]: Connection closed\n", i);
        } else if (random_below(&seed, 40) == 0) {
            fprintf(f,
                    " gw2 kernel: IN=eth0 OUT= SRC=2001:db8::%x DST=2001:db8:1::1 LEN=60 "
                    "TC=0 HOPLIMIT=60 FLOWLBL=0 PROTO=TCP SPT=1 DPT=%u WINDOW=1 RES=0x00 SYN "
                    "URGP=0 \n",
                    random_below(&seed, 500), random_below(&seed, 100));
            events++;
        } else {
            fprintf(f,
                    " gw kernel: [%u.5] IN=eth0 OUT= SRC=198.51.%u.%u DST=192.0.2.%u LEN=40 "
                    "TOS=0x00 PREC=0x00 TTL=241 ID=1 PROTO=UDP SPT=%u DPT=%u LEN=20 \n",
                    i, random_below(&seed, 256), random_below(&seed, 256), random_below(&seed, 256),
                    1024 + random_below(&seed, 60000), random_below(&seed, 65536));
            events++;
        }
    }
    assert_int_equal(fclose(f), 0);
    return events;
}

/* ---- threads ---- */

static void test_threads(void **state)
{
    static const struct {
        const char *name, *zone, *from, *to;
        int year;
        enum stamps stamps;
        const char *file_time;
    } cases[] = {
        {"an hour", "UTC", "2026-11-24T10:00:00", "2026-11-24T10:59:59", 0, YEARLESS,
         "2026-11-24T11:00:00"},
        {"over New Year", "Asia/Tokyo", "2025-12-31T10:00:00", "2025-12-31T20:00:00", 0, YEARLESS,
         "2026-01-01T12:00:00"},
        {"over three years", "America/New_York", "2023-03-01T00:00:00", "2026-01-06T00:00:00", 2023,
         YEARLESS, "2026-11-24T10:00:00"},
        {"most of a year, by the file's time", "UTC", "2025-12-20T00:00:00", "2026-11-08T00:00:00",
         0, YEARLESS, "2026-11-24T10:00:00"},
        {"through the fold", "Europe/Berlin", "2026-10-25T00:10:00", "2026-10-25T01:50:00", 0,
         WITH_YEAR, "2026-11-24T10:00:00"},
        {"through the fold without years", "Europe/Berlin", "2026-10-24T20:00:00",
         "2026-10-25T05:00:00", 0, YEARLESS, "2026-11-24T10:00:00"},
        {"through the gap", "Australia/Lord_Howe", "2026-10-03T12:00:00", "2026-10-03T20:00:00", 0,
         YEARLESS, "2026-11-24T10:00:00"},
        {"with offsets", "Europe/Berlin", "2026-10-24T20:00:00", "2026-10-25T05:00:00", 0, RFC3339,
         "2026-11-24T10:00:00"},
    };
    enum { LINES = 28000 }; /* about four blocks */

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *log = temp_path("threads.log");
        const char *one, *more;
        uint64_t events =
            write_log(log, cases[i].zone, cases[i].from, cases[i].to, LINES, cases[i].stamps, i);
        set_time(log, cases[i].file_time);
        one = fresh_folder();
        struct how how = {NULL, cases[i].zone, cases[i].year, 1, NULL};
        struct import_report r = import_good(one, log, how);
        same_counts(cases[i].name, &r, events, 0, LINES - events, 0);
        same_number(cases[i].name, r.span.first, utc(cases[i].from));
        same_number(cases[i].name, r.span.last, utc(cases[i].to));
        for (how.threads = 2; how.threads <= 5; how.threads += 3) {
            more = fresh_folder();
            struct import_report again = import_good(more, log, how);
            same_counts(cases[i].name, &again, events, 0, LINES - events, 0);
            same_number(cases[i].name, again.span.first, r.span.first);
            same_number(cases[i].name, again.span.last, r.span.last);
            same_number(cases[i].name, again.samples.n, r.samples.n);
            assert_string_equal(again.samples.text[0], r.samples.text[0]);
            same_facts(cases[i].name, more, one);
        }
    }
}

/* So many events that they take several commits: the same as in one, again known. */
static void test_commits(void **state)
{
    enum { LINES = 820000 };
    const char *log = temp_path("commits.log");
    const char *data;
    FILE *f = fopen(log, "w");

    (void)state;
    assert_non_null(f);
    for (unsigned i = 0; i < LINES; i++)
        fprintf(f,
                "2026-11-24T%02u:%02u:%02uZ g IN= OUT= SRC=198.51.100.%u DST=192.0.2.1 PROTO=2 \n",
                i / 36000 % 24, i / 600 % 60, i / 10 % 60, i % 256);
    assert_int_equal(fclose(f), 0);
    data = fresh_folder();
    struct import_report r = import_good(data, log, (struct how){0});
    same_counts("many", &r, LINES, 0, 0, 0);
    char *facts = facts_dump(data);
    assert_non_null(strstr(facts, "source 2026-11-24T09:00:00Z 198.51.100.17 2/ip 2 11-3595 141:"));
    free(facts);
    r = import_good(data, log, (struct how){0});
    assert_int_equal(r.counts.lines, 0);
    unlink(log);
}

/* ---- once ---- */

static void test_again_and_grown(void **state)
{
    enum { LINES = 12000 };
    static const char *const times[] = {"2026-01-01T12:00:00", "2026-01-01T18:00:00"};
    const char *whole, *data, *want, *part;

    (void)state;
    whole = temp_path("whole.log");
    part = temp_path("part.log");
    uint64_t events = write_log(whole, "Europe/Berlin", "2025-12-31T18:00:00",
                                "2026-01-01T11:00:00", LINES, YEARLESS, 1);
    set_time(whole, times[1]);
    struct stat st;
    assert_int_equal(stat(whole, &st), 0);
    struct how how = {.zone = "Europe/Berlin"};
    want = fresh_folder();
    import_good(want, whole, how);

    static const int percents[] = {0, 1, 37, 80};
    for (size_t i = 0; i < COUNT(percents); i++) {
        char row[32];
        snprintf(row, sizeof row, "%d percent", percents[i]);
        long cut = st.st_size * percents[i] / 100;
        FILE *f = fopen(whole, "r"); /* to the end of that line */
        fseek(f, cut, SEEK_SET);
        for (int c = 0; cut && (c = getc(f)) != '\n'; cut++)
            ;
        cut += cut > 0;
        fclose(f);
        copy_part(whole, part, cut, times[0]);
        data = fresh_folder();
        struct import_report a = import_good(data, part, how);
        same_number(row, a.bytes, cut);
        same_number(row, a.known, 0);
        struct import_report again = import_good(data, part, how);
        same_number(row, again.counts.lines, 0);
        same_number(row, again.known, cut);
        /* grown, under another name */
        struct import_report b = import_good(data, whole, how);
        same_number(row, b.known, cut);
        same_number(row, b.bytes, st.st_size - cut);
        same_number(row, a.counts.by[OUTCOME_EVENT] + b.counts.by[OUTCOME_EVENT], events);
        same_number(row, a.counts.lines + b.counts.lines, LINES);
        same_facts(row, data, want);
        /* and a shorter copy of what is known */
        if (percents[i]) {
            again = import_good(data, part, how);
            same_number(row, again.counts.lines, 0);
            same_number(row, again.known, cut);
            same_facts(row, data, want);
        }
    }
}

/* Logs that begin alike are not each other, whichever is longer, and each is known again. */
static void test_same_beginning(void **state)
{
    static const size_t heads[] = {400, 1024, 3000, 70000};
    const char *longer, *shorter, *data;
    static char head[70000];

    (void)state;
    longer = temp_path("longer.log");
    shorter = temp_path("shorter.log");
    for (size_t i = 0; i < COUNT(heads); i++) {
        char row[32];
        snprintf(row, sizeof row, "%zu bytes alike", heads[i]);
        memset(head, '#', sizeof head);
        head[heads[i] - 1] = '\n';
        write_bytes(longer, "w", head, heads[i], "2026-11-24T11:00:00");
        write_bytes(shorter, "w", head, heads[i], "2026-11-24T11:00:00");
        for (int k = 0; k < 300 + (int)heads[i] / 20; k++) {
            write_text(longer, "a", LINE("Nov 24 10:00:01"));
            if (k % 2)
                write_text(shorter, "a", LINE("Nov 23 10:00:01"));
        }
        uint64_t lines = 300 + heads[i] / 20;
        data = fresh_folder();
        import_good(data, shorter, (struct how){0});
        struct import_report r = import_good(data, longer, (struct how){0});
        same_number(row, r.counts.by[OUTCOME_EVENT], lines);
        data = fresh_folder();
        r = import_good(data, longer, (struct how){0});
        same_number(row, r.counts.by[OUTCOME_EVENT], lines);
        r = import_good(data, shorter, (struct how){0});
        same_number(row, r.counts.by[OUTCOME_EVENT], lines / 2);
        for (int again = 0; again < 2; again++) {
            r = import_good(data, shorter, (struct how){0});
            same_number(row, r.counts.lines, 0);
            r = import_good(data, longer, (struct how){0});
            same_number(row, r.counts.lines, 0);
        }
    }
}

/* Nor are logs of one size that end alike. */
static void test_same_end(void **state)
{
    const char *log = temp_path("end.log"), *data = fresh_folder();

    (void)state;
    for (int i = 0; i < 2; i++) {
        write_text(log, "w", i ? LINE("Nov 24 10:00:02") : LINE("Nov 24 10:00:01"));
        write_text(log, "a", LINE("Nov 24 10:00:03") LINE("Nov 24 10:00:04"));
        assert_int_equal(import_good(data, log, (struct how){0}).counts.lines, 3);
    }
}

/* The operator's name is part of a log's identity, however long it is. */
static void test_sensor_names(void **state)
{
    static const char long_name[] =
        "a-name-of-more-than-sixty-four-characters-that-somebody-has-given-to-a-sensor";
    const char *log = temp_path("names.log");
    const char *data;

    (void)state;
    write_text(log, "w", LINE("Nov 24 10:00:01"));
    data = fresh_folder();
    assert_int_equal(import_good(data, log, (struct how){0}).counts.lines, 1);
    assert_int_equal(import_good(data, log, (struct how){.sensor = "other-gw"}).counts.lines, 1);
    assert_int_equal(import_good(data, log, (struct how){.sensor = "other-gw"}).counts.lines, 0);
    assert_int_equal(import_good(data, log, (struct how){.sensor = long_name}).counts.lines, 1);
    assert_int_equal(import_good(data, log, (struct how){.sensor = long_name}).counts.lines, 0);
    char *facts = facts_dump(data);
    assert_non_null(strstr(facts, "sensor gw\n"));
    assert_non_null(strstr(facts, "sensor other-gw\n"));
    assert_non_null(
        strstr(facts, "sensor a-name-of-more-than-sixty-four-characters-that-somebody-has-give\n"));
    free(facts);
}

/* ---- lines of every kind ---- */

static void test_last_line(void **state)
{
    const char *log = temp_path("last.log");
    const char *data;
    struct import_report r;

    (void)state;
    /* the newline comes later: nothing was cut */
    data = fresh_folder();
    write_text(log, "w",
               LINE("Nov 24 10:00:01") "Nov 24 10:00:02 gw " PACKET("198.51.100.8", "80"));
    r = import_good(data, log, (struct how){0});
    same_counts("without a newline", &r, 2, 0, 0, 0);
    write_text(log, "a", "\n" LINE("Nov 24 10:00:03"));
    r = import_good(data, log, (struct how){0});
    same_counts("with one", &r, 1, 0, 0, 0);

    /* the same before a line that is cut out */
    static char xs[3 << 20];
    memset(xs, 'x', sizeof xs);
    data = fresh_folder();
    write_text(log, "w", "Nov 24 10:00:02 gw " PACKET("198.51.100.8", "80"));
    import_good(data, log, (struct how){0});
    write_text(log, "a", "\n" LINE("Nov 24 10:00:03"));
    write_bytes(log, "a", xs, sizeof xs, "2026-11-24T11:00:00");
    write_text(log, "a", "\n" LINE("Nov 24 10:00:04"));
    r = import_good(data, log, (struct how){0});
    same_counts("before a long line", &r, 2, 0, 0, 1);

    /* the rest of the line comes later: it isn't a line of its own */
    data = fresh_folder();
    write_text(log, "w", LINE("Nov 24 10:00:01") "Nov 24 10:00:02 gw kernel: IN=eth0 OU");
    r = import_good(data, log, (struct how){0});
    same_counts("cut short", &r, 1, 0, 1, 0);
    write_text(log, "a", "T= SRC=198.51.100.9 DST=192.0.2.1 PROTO=2 \n" LINE("Nov 24 10:00:03"));
    r = import_good(data, log, (struct how){0});
    same_counts("its rest", &r, 1, 0, 0, 1);
    r = import_good(data, log, (struct how){0});
    same_counts("again", &r, 0, 0, 0, 0);
}

static void test_odd_bytes(void **state)
{
    static const char crlf[] = "Nov 24 10:00:01 gw " PACKET("198.51.100.7", "23") "\r\n\r\n";
    static char hole[5000];
    const char *log = temp_path("odd.log");
    struct import_report r;

    (void)state;
    write_text(log, "w", crlf);
    r = import_good(fresh_folder(), log, (struct how){0});
    same_counts("CRLF", &r, 1, 0, 1, 0);
    assert_int_equal(r.span.first, utc("2026-11-24T10:00:01"));

    write_bytes(log, "w", hole, sizeof hole, "2026-11-24T11:00:00");
    write_text(log, "a", LINE("Nov 24 10:00:01") LINE("Nov 24 10:00:02"));
    r = import_good(fresh_folder(), log, (struct how){0});
    same_counts("a hole", &r, 2, 0, 0, 0);
    assert_int_equal(r.span.first, utc("2026-11-24T10:00:01"));

    /* only a hole, as yet */
    const char *data;
    data = fresh_folder();
    write_bytes(log, "w", hole, sizeof hole, "2026-11-24T11:00:00");
    r = import_good(data, log, (struct how){0});
    same_counts("only a hole", &r, 0, 0, 0, 0);
    write_text(log, "a", LINE("Nov 24 10:00:03"));
    r = import_good(data, log, (struct how){0});
    same_counts("and a line behind it", &r, 1, 0, 0, 0);

    write_text(log, "w", "");
    r = import_good(data, log, (struct how){0});
    same_counts("empty", &r, 0, 0, 0, 0);
    assert_false(r.span.any);
    write_text(log, "w", "\n\n\n");
    r = import_good(data, log, (struct how){0});
    same_counts("blank lines", &r, 0, 0, 3, 0);
}

#define AT(second) "gap 2026-11-24T10:00:" second "Z 2026-11-24T10:00:" second "Z lost 1 \n"

static void test_long_lines(void **state)
{
    enum { MIB = 1 << 20 };
    static const struct {
        const char *name;
        int before, size, after, lost; /* lines, bytes, lines */
        bool newline;
        const char *gap; /* in the facts: at the line before, or the first behind */
    } cases[] = {
        {"8193 bytes", 1, 8193, 1, 1, true, AT("01")},
        {"one block", 1, MIB, 1, 1, true, AT("01")},
        {"a byte less", 0, MIB - 1, 1, 1, true, AT("02")},
        {"a byte more", 0, MIB + 1, 1, 1, true, AT("02")},
        {"two blocks", 3, 2 * MIB, 3, 1, true, AT("01")},
        {"more than two", 3, 2 * MIB + 77, 3, 1, true, AT("01")},
        {"nothing behind", 3, 2 * MIB, 0, 1, true, AT("01")},
        {"no newline", 3, 2 * MIB, 0, 1, false, AT("01")},
        {"nothing else", 0, 2 * MIB, 0, 1, false, ""},
        {"one block, no newline", 0, MIB, 0, 1, false, ""},
    };
    const char *log = temp_path("long.log");
    char *line = malloc(3 * MIB);

    (void)state;
    assert_non_null(line);
    memset(line, 'x', 3 * MIB);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *data;
        unlink(log);
        for (int k = 0; k < cases[i].before; k++)
            write_text(log, "a", LINE("Nov 24 10:00:01"));
        write_bytes(log, "a", line, (size_t)cases[i].size, "2026-11-24T11:00:00");
        if (cases[i].newline)
            write_text(log, "a", "\n");
        for (int k = 0; k < cases[i].after; k++)
            write_text(log, "a", LINE("Nov 24 10:00:02"));
        data = fresh_folder();
        struct import_report r = import_good(data, log, (struct how){0});
        same_counts(cases[i].name, &r, (uint64_t)(cases[i].before + cases[i].after), 0, 0,
                    (uint64_t)cases[i].lost);
        char *facts = facts_dump(data);
        if (!strstr(facts, cases[i].gap) || (!*cases[i].gap && strstr(facts, "gap")))
            fail_msg("%s: want '%s' in\n%s", cases[i].name, cases[i].gap, facts);
        free(facts);
        r = import_good(data, log, (struct how){0});
        same_counts(cases[i].name, &r, 0, 0, 0, 0);
        write_text(log, "a", "\n" LINE("Nov 24 10:00:03"));
        r = import_good(data, log, (struct how){0}); /* the years are as if it had no such line */
        assert_int_equal(r.span.last, utc("2026-11-24T10:00:03"));
        same_number(cases[i].name, r.counts.by[OUTCOME_EVENT], 1);
    }
    free(line);
}

/* Lines without a time before the first that has one say nothing of its year. */
static void test_begins_without_time(void **state)
{
    const char *log = temp_path("begins.log");
    const char *data;
    struct import_report r;

    (void)state;
    data = fresh_folder();
    write_text(log, "w", "-- log begins --\n");
    set_time(log, "2026-06-01T00:00:00");
    r = import_good(data, log, (struct how){0});
    same_counts("no time", &r, 0, 0, 1, 0);
    write_text(log, "a", LINE("Jul  1 00:00:00") LINE("May 31 00:00:00"));
    set_time(log, "2026-06-01T00:00:00");
    r = import_good(data, log, (struct how){0});
    same_counts("times", &r, 2, 0, 0, 0);
    assert_int_equal(r.span.first, utc("2025-07-01T00:00:00"));
    assert_int_equal(r.span.last, utc("2025-05-31T00:00:00")); /* out of order: the nearest */
    /* a year once given leads what comes later */
    data = fresh_folder();
    r = import_good(data, log, (struct how){.year = 2019});
    assert_int_equal(r.span.first, utc("2019-07-01T00:00:00"));
    assert_int_equal(r.span.last, utc("2019-05-31T00:00:00"));
    write_text(log, "a", LINE("Jun  1 00:00:00"));
    r = import_good(data, log, (struct how){0});
    assert_int_equal(r.span.first, utc("2019-06-01T00:00:00"));
}

/* ---- years that can't be ---- */

static void test_past_file_time(void **state)
{
    static const struct {
        const char *name, *first, *last, *file_time;
        int year;
        bool good;
    } cases[] = {
        {"a day past", "Nov 23 10:00:00", "Nov 25 11:00:00", "2026-11-24T11:00:00", 0, true},
        {"a second more", "Nov 23 10:00:00", "Nov 25 11:00:01", "2026-11-24T11:00:00", 0, false},
        {"with --year", "Nov 23 10:00:00", "Nov 25 11:00:01", "2026-11-24T11:00:00", 2026, true},
        {"touched long after", "Jul  1 00:00:00", "Jun  1 00:00:00", "2026-08-01T00:00:00", 0,
         false},
        {"with its year", "Jul  1 00:00:00", "Jun  1 00:00:00", "2026-08-01T00:00:00", 2025, true},
        {"over New Year", "Dec 31 00:00:00", "Jan  2 00:00:00", "2026-01-02T00:00:00", 0, true},
        {"years in the lines", "2026-11-24 10:00:00", "2027-01-01 00:00:00", "2026-11-24T11:00:00",
         0, true},
    };
    const char *log = temp_path("past.log");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        static const char body[] = " gw " PACKET("198.51.100.7", "23") "\n";
        static const char blank[] = "a line without a time\n";
        const char *data;
        write_text(log, "w", blank);
        write_text(log, "a", cases[i].first);
        write_text(log, "a", body);
        for (int k = 0; k < 8; k++) { /* the years go on in steps that the nearest follows */
            if (strcmp(cases[i].first, "Jul  1 00:00:00") != 0)
                break;
            static const char *const months[] = {"Aug", "Sep", "Oct", "Dec",
                                                 "Jan", "Feb", "Mar", "May"};
            write_text(log, "a", months[k]);
            write_text(log, "a", "  1 00:00:00");
            write_text(log, "a", body);
        }
        write_text(log, "a", cases[i].last);
        write_text(log, "a", body);
        write_text(log, "a", blank);
        set_time(log, cases[i].file_time);
        struct error err = {0};
        struct import_report r;
        data = fresh_folder();
        int rc = import_into(data, log, (struct how){.year = cases[i].year}, &r, &err);
        same_number(cases[i].name, rc, cases[i].good ? 0 : -EINVAL);
        const char *said = faults_text(&err);
        char *facts = facts_dump(data);
        if (cases[i].good) {
            assert_string_equal(said, "");
            assert_non_null(strstr(facts, "source "));
        } else {
            assert_non_null(strstr(said, "--year"));
            assert_string_equal(facts, "");
            assert_int_equal(r.counts.lines, 0);
        }
        free(facts);
    }
}

/* ---- what isn't a log ---- */

static void test_not_a_log(void **state)
{
    struct error err = {0};
    struct import_report r;

    (void)state;
    assert_int_equal(
        import_into(fresh_folder(), temp_path("nowhere.log"), (struct how){0}, &r, &err), -ENOENT);
    assert_non_null(strstr(faults_text(&err), "nowhere.log"));
    assert_int_equal(import_into(fresh_folder(), temp_folder, (struct how){0}, &r, &err), -EISDIR);
    assert_non_null(strstr(faults_text(&err), "folder"));
}

/* stdin is counted each time: it has no identity. */
static void test_stdin(void **state)
{
    const char *log = temp_path("stdin.log");
    const char *data;
    int saved = dup(STDIN_FILENO);

    (void)state;
    write_text(log, "w", LINE("Nov 24 10:00:01") "no packet\n");
    data = fresh_folder();
    for (int round = 1; round <= 2; round++) {
        int fd = open(log, O_RDONLY);
        assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
        close(fd);
        struct import_report r = import_good(data, "-", (struct how){0});
        same_counts("stdin", &r, 1, 0, 1, 0);
        assert_true(r.is_stream);
        assert_int_equal(r.known, 0);
        char *facts = facts_dump(data), want[64];
        snprintf(want, sizeof want, "bin 2026-11-24T10:00:00Z 0 23/tcp -- %d\n", round);
        assert_non_null(strstr(facts, want));
        assert_non_null(strstr(facts, "extent 2026-11-24T10:00:00Z 2026-11-24T10:04:59Z"));
        free(facts);
    }
    /* a pipe, and its years by the clock */
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    static const char text[] = LINE("Nov 26 10:00:01");
    assert_int_equal(write(fds[1], text, sizeof text - 1), sizeof text - 1);
    close(fds[1]);
    dup2(fds[0], STDIN_FILENO);
    close(fds[0]);
    struct import_report r =
        import_good(fresh_folder(), "-", (struct how){.now = "2024-06-01T00:00:00"});
    assert_int_equal(r.span.first, utc("2023-11-26T10:00:01"));
    dup2(saved, STDIN_FILENO);
    close(saved);
}

/* ---- the report ---- */

static uint64_t progress_calls, progress_done, progress_lines;

static void take_progress(void *ctx, uint64_t done, uint64_t total, uint64_t lines)
{
    assert_true(done >= progress_done && lines >= progress_lines);
    assert_int_equal(total, *(uint64_t *)ctx);
    progress_calls++;
    progress_done = done;
    progress_lines = lines;
}

static void test_report(void **state)
{
    const char *log = temp_path("report.log");
    struct error err = {0};
    struct import_report r;
    struct store *s;

    (void)state;
    write_text(log, "w",
               LINE("Nov 24 10:00:01") "Nov 24 10:00:02 gw x\x1b[2J\x7f\n"
                                       "Nov 24 10:00:03 gw two\nNov 24 10:00:04 gw three\nNov 24 "
                                       "10:00:05 gw four\n"
                                       "Nov 24 10:00:06 gw kernel: [UFW ALLOW] IN=eth0 OUT= "
                                       "SRC=198.51.100.7 "
                                       "DST=192.0.2.10 PROTO=2 \n" LINE("Nov 24 12:00:00")
                                           LINE("Nov 24 12:00:01"));
    struct stat st;
    assert_int_equal(stat(log, &st), 0);
    uint64_t size = (uint64_t)st.st_size;
    assert_int_equal(store_open(fresh_folder(), STORE_WRITE, &s, &err), 0);
    struct import_options o = {.parsers = parsers,
                               .geo = geo,
                               .store = s,
                               .sensor = "",
                               .zone = open_zone("UTC"),
                               .threads = 99,
                               .now = utc("2026-11-24T12:00:00"),
                               .progress = take_progress,
                               .progress_ctx = &size};
    assert_int_equal(import_log(&o, log, &r, &err), 0);
    store_close(s);
    same_counts("report", &r, 3, 1, 4, 0);
    assert_int_equal(r.counts.packets, 3);
    assert_int_equal(r.counts.future, 1);
    assert_int_equal(r.bytes, size);
    assert_int_equal(r.samples.n, SAMPLES_MAX);
    assert_string_equal(r.samples.text[0], "Nov 24 10:00:02 gw x?[2J?");
    assert_string_equal(r.samples.text[2], "Nov 24 10:00:04 gw three");
    assert_int_equal(r.span.last, utc("2026-11-24T12:00:01"));
    assert_true(progress_calls > 0);
    assert_int_equal(progress_done, size);
    assert_int_equal(progress_lines, 8);
}

/* From its first to its last line of any kind a log watches its sensors; another log goes on from there. */
static void test_watched(void **state)
{
    const char *log = temp_path("watched.log");
    const char *data;

    (void)state;
    data = fresh_folder();
    write_text(log, "w",
               "Nov 24 10:00:00 gw up\n" LINE("Nov 24 10:10:00") "Nov 24 10:20:30 gw down\n");
    import_good(data, log, (struct how){0});
    char *facts = facts_dump(data);
    assert_non_null(strstr(facts, "sensor gw\nextent 2026-11-24T10:00:00Z 2026-11-24T10:20:30Z\n"
                                  "known from 2026-11-24T10:00:00Z\nbin "));
    free(facts);
    write_text(log, "w",
               "Nov 24 10:40:00 gw up\n" LINE("Nov 24 10:41:00") "Nov 24 10:50:30 gw down\n");
    import_good(data, log, (struct how){0});
    facts = facts_dump(data);
    assert_non_null(strstr(facts, "known from 2026-11-24T10:00:00Z\n"
                                  "unknown from 2026-11-24T10:25:00Z\n"
                                  "known from 2026-11-24T10:40:00Z\nbin "));
    free(facts);
    /* read on, it has no gap */
    write_text(log, "a", "Nov 24 11:30:00 gw up\n");
    import_good(data, log, (struct how){0});
    facts = facts_dump(data);
    assert_non_null(strstr(facts, "extent 2026-11-24T10:00:00Z 2026-11-24T11:30:00Z\n"
                                  "known from 2026-11-24T10:00:00Z\n"
                                  "unknown from 2026-11-24T10:25:00Z\n"
                                  "known from 2026-11-24T10:40:00Z\nbin "));
    free(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),         cmocka_unit_test(test_commits),
        cmocka_unit_test(test_again_and_grown), cmocka_unit_test(test_same_beginning),
        cmocka_unit_test(test_same_end),        cmocka_unit_test(test_sensor_names),
        cmocka_unit_test(test_last_line),       cmocka_unit_test(test_odd_bytes),
        cmocka_unit_test(test_long_lines),      cmocka_unit_test(test_begins_without_time),
        cmocka_unit_test(test_past_file_time),  cmocka_unit_test(test_not_a_log),
        cmocka_unit_test(test_stdin),           cmocka_unit_test(test_report),
        cmocka_unit_test(test_watched),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
