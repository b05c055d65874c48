#include "config/paths.h"

#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

static const char *const geo_folders[] = {
    "/var/lib/GeoIP", "/usr/share/GeoIP", "/usr/local/share/GeoIP", "/var/db/GeoIP", NULL,
};

/* The names under which country databases are given away, the more exact first. */
static const char *const geo_names[] = {
    "GeoLite2-Country.mmdb", "GeoIP2-Country.mmdb",        "dbip-country-lite*.mmdb",
    "GeoLite2-City.mmdb",    "geo-whois-asn-country.mmdb", NULL,
};

/* The same of databases of AS numbers. */
static const char *const asn_names[] = {
    "GeoLite2-ASN.mmdb", "GeoIP2-ISP.mmdb", "dbip-asn-lite*.mmdb",
    "geolite2-asn.mmdb", "asn.mmdb",        NULL,
};

/* The value of a variable that is set and not empty, else NULL. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

char *paths_data(void)
{
    const char *service = variable("STATE_DIRECTORY"), *state = variable("XDG_STATE_HOME");
    const char *home = variable("HOME");

    if (service) /* a list parted by colons; ours has one entry */
        return xstrndup(service, strcspn(service, ":"));
    if (geteuid() == 0)
        return xstrdup("/var/lib/scantide");
    if (state && *state == '/') /* the XDG specification: relative paths are to be ignored */
        return xasprintf("%s/scantide", state);
    if (!home) {
        const struct passwd *pw = getpwuid(geteuid());
        home = pw ? pw->pw_dir : "/";
    }
    return xasprintf("%s/.local/state/scantide", home);
}

char *paths_choose_data(const char *option, const char *configured)
{
    if (option && *option)
        return xstrdup(option);
    if (configured && *configured)
        return xstrdup(configured);
    return paths_data();
}

/* The folder of the running program, or NULL where the system doesn't tell. */
static char *program_folder(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n <= 0)
        return NULL;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    return slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
}

static bool has_folder(const char *base, const char *name)
{
    char *path = xasprintf("%s/%s", base, name);
    struct stat st;
    bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

    free(path);
    return is;
}

/* `base` with its ".." resolved where it holds the shipped data, else NULL. */
static char *share_at(const char *folder, const char *below)
{
    char *base = xasprintf("%s/%s", folder, below), *real = NULL;

    if (has_folder(base, "parsers") && has_folder(base, "rrd"))
        real = realpath(base, NULL);
    free(base);
    return real;
}

char *paths_share(const char *what)
{
    const char *said = variable("SCANTIDE_SHARE");
    char *folder = said ? NULL : program_folder(), *share = NULL;

    /* build/scantide, build/asan/scantide, PREFIX/bin/scantide */
    static const char *const below[] = {"..", "../..", "../share/scantide"};
    for (size_t i = 0; folder && !share && i < sizeof below / sizeof *below; i++)
        share = share_at(folder, below[i]);
    char *path = xasprintf("%s/%s", said ? said : share ? share : SCANTIDE_SHARE, what);
    free(folder);
    free(share);
    return path;
}

char *paths_catalogs(void)
{
    static const char *const below[] = {"locale", "../share/locale"};
    char *folder = program_folder(), *found = NULL;

    for (size_t i = 0; folder && !found && i < sizeof below / sizeof *below; i++)
        if (has_folder(folder, below[i]))
            found = xasprintf("%s/%s", folder, below[i]);
    free(folder);
    return found ? found : xstrdup(SCANTIDE_SHARE "/../locale");
}

/* The last of the files that match, in the order of their names; NULL if none. */
static char *last_match(const char *folder, const char *pattern)
{
    char *path = xasprintf("%s/%s", folder, pattern), *found = NULL;
    glob_t matches = {0};

    if (glob(path, 0, NULL, &matches) == 0 && matches.gl_pathc > 0)
        found = xstrdup(matches.gl_pathv[matches.gl_pathc - 1]);
    globfree(&matches);
    free(path);
    return found;
}

static char *find_database(const char *const *folders, const char *const *names)
{
    char *found = NULL;

    for (size_t i = 0; folders[i] && !found; i++)
        for (size_t j = 0; names[j] && !found; j++)
            found = last_match(folders[i], names[j]);
    return found;
}

char *paths_find_country(const char *const *folders)
{
    return find_database(folders, geo_names);
}

char *paths_find_asn(const char *const *folders)
{
    return find_database(folders, asn_names);
}

/* The folder geo beside the program, or NULL. */
static char *own_folder(void)
{
    char *folder = program_folder(), *geo = folder ? xasprintf("%s/geo", folder) : NULL;

    free(folder);
    return geo;
}

static bool is_asn(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    size_t i = 0;

    while (asn_names[i] && fnmatch(asn_names[i], name, 0) != 0)
        i++;
    return asn_names[i] != NULL;
}

/* The last database that isn't known to be one of AS numbers. */
static char *any_country(const char *folder)
{
    char *path = xasprintf("%s/*.mmdb", folder), *found = NULL;
    glob_t matches = {0};

    if (glob(path, 0, NULL, &matches) == 0)
        for (size_t i = matches.gl_pathc; i > 0 && !found; i--)
            if (!is_asn(matches.gl_pathv[i - 1]))
                found = xstrdup(matches.gl_pathv[i - 1]);
    globfree(&matches);
    free(path);
    return found;
}

char *paths_country(const char *configured)
{
    if (configured && *configured)
        return xstrdup(configured);
    char *found = paths_find_country(geo_folders);
    char *geo = found ? NULL : own_folder();
    if (geo)
        found = paths_find_country((const char *const[]){geo, NULL});
    if (geo && !found)
        found = any_country(geo);
    free(geo);
    return found;
}

char *paths_asn(const char *configured)
{
    if (configured && *configured)
        return xstrdup(configured);
    char *found = paths_find_asn(geo_folders);
    char *geo = found ? NULL : own_folder();
    if (geo)
        found = paths_find_asn((const char *const[]){geo, NULL});
    free(geo);
    return found;
}

char *paths_country_folders(void)
{
    char *program = program_folder(), *text = xstrdup("");

    for (size_t i = 0; geo_folders[i]; i++) {
        char *longer = xasprintf("%s%s%s", text, i ? ", " : "", geo_folders[i]);
        free(text);
        text = longer;
    }
    if (program) {
        char *longer = xasprintf("%s or %s/geo", text, program);
        free(text);
        text = longer;
    }
    free(program);
    return text;
}
