/* paths.h - where things stand when nobody says: the data folder, the shipped data, the
 * databases of countries and AS numbers.
 *
 * Reads the environment and looks at the disk; creates nothing. Returned strings are the caller's.
 * Any thread. */
#ifndef SCANTIDE_CONFIG_PATHS_H
#define SCANTIDE_CONFIG_PATHS_H

/* The data folder where neither --data nor the configuration names one: $STATE_DIRECTORY (systemd
 * sets it, see systemd.exec(5)), /var/lib/scantide as root, $XDG_STATE_HOME/scantide,
 * ~/.local/state/scantide. */
char *paths_data(void);

/* The data folder that counts: `option` (--data) before `configured` before paths_data(). NULL and
 * "" say nothing. */
char *paths_choose_data(const char *option, const char *configured);

/* The folder of shipped data, `what` being "parsers" or "rrd": below $SCANTIDE_SHARE; else in the
 * checkout that the program was built in; else in share/scantide beside the program's bin; else
 * where `make install` put it. It needn't exist. */
char *paths_share(const char *what);

/* The folder of catalogs (base/language.h), each at LANGUAGE/LC_MESSAGES/scantide.mo: locale beside the program; else
 * share/locale beside its bin; else where `make install` put it. It needn't exist. */
char *paths_catalogs(void);

/* The country database: `configured` as it is; else the first file found in the usual folders, then
 * in geo/ beside the program. NULL where there is none. */
char *paths_country(const char *configured);

/* The search of paths_country in `folders`, a list ended by NULL. Of several versions of a file the
 * one that sorts last. */
char *paths_find_country(const char *const *folders);

/* The same for the database of AS numbers. */
char *paths_asn(const char *configured);
char *paths_find_asn(const char *const *folders);

/* The folders that paths_country and paths_asn search, as text for a person: "/var/lib/GeoIP, ... or <program's
 * folder>/geo". */
char *paths_country_folders(void);

#endif
