/* country_name.h - what a country is called in the reader's language. Any thread. */
#ifndef SCANTIDE_BASE_COUNTRY_NAME_H
#define SCANTIDE_BASE_COUNTRY_NAME_H

#include "base/country.h"

/* "China"; "" for a code that nobody has. Valid to the end. */
const char *country_name(uint16_t country);

#endif
