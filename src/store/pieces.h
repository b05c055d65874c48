/* pieces.h - SQLite's small reads and writes in larger pieces; for the store's own files.
 *
 * With pages of 512 bytes SQLite makes two system calls a page for the write-ahead log, and two more
 * when it moves it into the database: three quarters of a million for ten million lines. Here the log's
 * writes that follow each other are gathered, and a read fetches what lies behind it.
 *
 * What is gathered reaches the file before anybody could look for it: with the frame that commits,
 * before a sync, a lock, another size, a read. What was read ahead is forgotten with each lock, with
 * which each look at another state of the database begins, and with each write. */
#ifndef SCANTIDE_STORE_PIECES_H
#define SCANTIDE_STORE_PIECES_H

/* The name by which sqlite3_open_v2 knows it; NULL, SQLite's own, where it can't be had. */
const char *pieces_vfs(void);

#endif
