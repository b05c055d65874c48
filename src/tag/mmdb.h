/* mmdb.h - addresses in MaxMind DB files; a part of geo.h and asn.h, use those. */
#ifndef SCANTIDE_TAG_MMDB_H
#define SCANTIDE_TAG_MMDB_H

#include <maxminddb.h>

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/ip.h"

/* A file as it was when it was opened. */
struct mmdb_file {
    MMDB_s db;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* Opens a copy of the file in memory: whoever replaces it in place can't hurt a reader then. An
 * MMDB_* code; closed with MMDB_close(&f->db). */
int mmdb_open(const char *path, struct mmdb_file *f);

/* Whether another file stands there by now. */
bool mmdb_replaced(const char *path, const struct mmdb_file *f);

/* The entry of an address; *code tells whether the file could be read. */
MMDB_lookup_result_s mmdb_look_up(const MMDB_s *db, const struct ip *ip, int *code);

/* Adds the fault that a database can't be used; `what`: "country database"; `key`: of the
 * configuration. */
void mmdb_fault(const char *path, int code, const char *what, const char *key, struct error *err);

#endif
