/* SPDX-License-Identifier: GPL-3.0-or-later
 * letters.c - the table of letters.h. A byte that has no row stands nowhere.
 */
#include "letters.h"

enum {
    EVERYWHERE = IN_TOKEN | IN_TARGET | IN_HOST | IN_PATH,
    DELIMITER = IN_TARGET | IN_HOST,
};

const uint8_t letters[256] = {
    ['a' ... 'z'] = EVERYWHERE,
    ['A' ... 'Z'] = EVERYWHERE,
    ['0' ... '9'] = EVERYWHERE,
    ['-'] = EVERYWHERE,
    ['.'] = EVERYWHERE,
    ['_'] = EVERYWHERE,
    ['~'] = EVERYWHERE,
    ['!'] = IN_TOKEN | DELIMITER,
    ['$'] = IN_TOKEN | DELIMITER,
    ['&'] = IN_TOKEN | DELIMITER,
    ['\''] = IN_TOKEN | DELIMITER,
    ['*'] = IN_TOKEN | DELIMITER,
    ['+'] = IN_TOKEN | DELIMITER,
    ['%'] = IN_TOKEN | DELIMITER,
    ['('] = DELIMITER,
    [')'] = DELIMITER,
    [','] = DELIMITER,
    [';'] = DELIMITER,
    ['='] = DELIMITER,
    [':'] = IN_TARGET | IN_COLON,
    ['['] = IN_TARGET,
    [']'] = IN_TARGET,
    ['/'] = IN_TARGET | IN_PATH,
    ['?'] = IN_TARGET,
    ['@'] = IN_TARGET,
    ['{'] = IN_TARGET,
    ['}'] = IN_TARGET,
    ['^'] = IN_TOKEN | IN_TARGET,
    ['`'] = IN_TOKEN | IN_TARGET,
    ['|'] = IN_TOKEN | IN_TARGET,
    ['#'] = IN_TOKEN,
};
