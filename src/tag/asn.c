#include "tag/asn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "tag/mmdb.h"

/* Where the data of a number stand. */
struct place {
    uint32_t number, offset;
};

struct asn {
    struct mmdb_file file;
    char *path;
    struct place *places; /* by number; NULL until the file was walked through */
    size_t n, cap;
    bool walked;
};

static const char *const number_path[] = {"autonomous_system_number", NULL};
static const char *const name_path[] = {"autonomous_system_organization", NULL};

static uint32_t entry_number(MMDB_entry_s *entry)
{
    MMDB_entry_data_s data;

    if (MMDB_aget_value(entry, &data, number_path) != MMDB_SUCCESS || !data.has_data)
        return 0;
    switch (data.type) {
    case MMDB_DATA_TYPE_UINT16: return data.uint16;
    case MMDB_DATA_TYPE_UINT32: return data.uint32;
    case MMDB_DATA_TYPE_UINT64: return data.uint64 <= UINT32_MAX ? (uint32_t)data.uint64 : 0;
    default: return 0;
    }
}

/* The bytes of a well-formed character at p, of at most n; 0: it is none (RFC 3629). */
static size_t character(const unsigned char *p, size_t n)
{
    size_t len = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    if (*p >= 0x80 && *p < 0xc2)
        return 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* A name is shown on terminals and in JSON. */
static void clean_name(struct str raw, char out[AS_NAME_MAX])
{
    size_t n = 0;

    while (raw.n) {
        const unsigned char *p = (const unsigned char *)raw.p;
        size_t len = character(p, raw.n);
        bool bad = len == 0 || *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
        if (n + (bad ? 1 : len) >= AS_NAME_MAX)
            break;
        if (bad)
            out[n++] = '?';
        else
            memcpy(out + n, p, len);
        n += bad ? 0 : len;
        raw = str_skip(raw, len ? len : 1);
    }
    out[n] = 0;
}

static bool entry_name(MMDB_entry_s *entry, char out[AS_NAME_MAX])
{
    MMDB_entry_data_s data;

    *out = 0;
    if (MMDB_aget_value(entry, &data, name_path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return false;
    clean_name((struct str){data.utf8_string, data.data_size}, out);
    return *out != 0;
}

/* Walks over addresses spread over the whole space, as geo.c does. */
static int try_database(const struct asn *a)
{
    for (uint32_t i = 0; i < 4096; i++) {
        struct ip ip = ip_from_v4(i << 20 | (i * 2654435761u >> 12));
        int code = MMDB_SUCCESS;
        MMDB_lookup_result_s found = mmdb_look_up(&a->file.db, &ip, &code);
        if (code != MMDB_SUCCESS)
            return code;
        if (found.found_entry)
            entry_number(&found.entry);
    }
    return MMDB_SUCCESS;
}

int asn_open(const char *path, struct asn **out, struct error *err)
{
    struct asn *a = xcalloc(1, sizeof *a);
    int code = mmdb_open(path, &a->file);

    if (code == MMDB_SUCCESS) {
        a->path = xstrdup(path);
        code = try_database(a);
    }
    if (code != MMDB_SUCCESS) {
        mmdb_fault(path, code, "database of AS numbers", "asn", err);
        asn_close(a);
        return -EINVAL;
    }
    *out = a;
    return 0;
}

void asn_close(struct asn *a)
{
    if (!a)
        return;
    if (a->path)
        MMDB_close(&a->file.db);
    free(a->path);
    free(a->places);
    free(a);
}

uint32_t asn_number(const struct asn *a, const struct ip *ip)
{
    int code = MMDB_SUCCESS;

    if (!a || !ip_is_global(ip))
        return 0;
    MMDB_lookup_result_s found = mmdb_look_up(&a->file.db, ip, &code);
    return code == MMDB_SUCCESS && found.found_entry ? entry_number(&found.entry) : 0;
}

uint32_t asn_find(const struct asn *a, const struct ip *ip, char name[AS_NAME_MAX])
{
    int code = MMDB_SUCCESS;

    *name = 0;
    if (!a || !ip_is_global(ip))
        return 0;
    MMDB_lookup_result_s found = mmdb_look_up(&a->file.db, ip, &code);
    if (code != MMDB_SUCCESS || !found.found_entry)
        return 0;
    entry_name(&found.entry, name);
    return entry_number(&found.entry);
}

/* ---- names by number ---- */

static int by_number(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static void walk_side(struct asn *a, uint64_t record, uint8_t type, MMDB_entry_s *entry,
                      unsigned depth);

/* Nodes of a sound file lie at most 128 deep. */
static void walk(struct asn *a, uint32_t node, unsigned depth)
{
    MMDB_search_node_s n;

    if (depth == 128 || MMDB_read_node(&a->file.db, node, &n) != MMDB_SUCCESS)
        return;
    walk_side(a, n.left_record, n.left_record_type, &n.left_record_entry, depth);
    walk_side(a, n.right_record, n.right_record_type, &n.right_record_entry, depth);
}

static void walk_side(struct asn *a, uint64_t record, uint8_t type, MMDB_entry_s *entry,
                      unsigned depth)
{
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE) {
        walk(a, (uint32_t)record, depth + 1);
        return;
    }
    if (type != MMDB_RECORD_TYPE_DATA || (a->n && a->places[a->n - 1].offset == entry->offset))
        return;
    if (a->n == a->cap)
        a->places = xrealloc(a->places, a->cap = a->cap * 2 + 1024, sizeof *a->places);
    a->places[a->n++] = (struct place){0, entry->offset};
}

static int by_offset(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* All numbers and where their names stand: each place in the data is read once. */
static void walk_through(struct asn *a)
{
    size_t n = 0;

    walk(a, 0, 0);
    if (a->n)
        qsort(a->places, a->n, sizeof *a->places, by_offset);
    for (size_t i = 0; i < a->n; i++) {
        if (n && a->places[n - 1].offset == a->places[i].offset)
            continue;
        MMDB_entry_s entry = {&a->file.db, a->places[i].offset};
        a->places[n++] = (struct place){entry_number(&entry), entry.offset};
    }
    a->n = n;
    if (n)
        qsort(a->places, n, sizeof *a->places, by_number);
    a->walked = true;
}

bool asn_name(struct asn *a, uint32_t number, const struct ip *hint, char name[AS_NAME_MAX])
{
    *name = 0;
    if (!a || number == 0)
        return false;
    if (hint && hint->family && asn_find(a, hint, name) == number && *name)
        return true;
    if (!a->walked)
        walk_through(a);
    const struct place *found =
        a->n ? bsearch(&(struct place){number, 0}, a->places, a->n, sizeof *a->places, by_number)
             : NULL;
    *name = 0;
    return found && entry_name(&(MMDB_entry_s){&a->file.db, found->offset}, name);
}

/* ---- about it ---- */

const char *asn_path(const struct asn *a)
{
    return a ? a->path : NULL;
}

const char *asn_type(const struct asn *a)
{
    return a ? a->file.db.metadata.database_type : NULL;
}

int64_t asn_built(const struct asn *a)
{
    return a ? (int64_t)a->file.db.metadata.build_epoch : 0;
}

const char *asn_format(uint32_t number, char out[AS_TEXT_MAX])
{
    if (number)
        snprintf(out, AS_TEXT_MAX, "AS%" PRIu32, number);
    else
        strcpy(out, "unknown");
    return out;
}

bool asn_replaced(const struct asn *a)
{
    return a && a->path && mmdb_replaced(a->path, &a->file);
}
