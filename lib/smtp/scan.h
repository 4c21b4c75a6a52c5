/*
 * scan.h - where a message is not as it goes over the wire (RFC 5321 sections 2.3.8 and 4.5.2).
 */
#ifndef SMTP_SCAN_H
#define SMTP_SCAN_H

#include <stdint.h>

#include "base/slice.h"

/*
 * The first byte of text that is odd, text.len if none is: an LF not behind CR, another byte than
 * LF behind CR, a dot that begins a line. last: the byte before text; '\n' before a message.
 * *lines: the line ends before the odd byte are added.
 */
size_t smtp_scan(struct slice text, char last, uint64_t *lines);

#endif
