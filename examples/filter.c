/*
 * filter.c - the address-family filter alone, for a host with its own resolver and sockets: which
 * of these addresses of a host would be dialed, and in which order?
 *
 *   cc -o filter filter.c $(pkg-config --cflags --libs libmoxdial)
 *   ./filter 4 192.0.2.25 2001:db8::25        IPv4 alone; 6: IPv6 alone; both: both
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <moxdial.h>

static int parse_all(char **text, size_t n, struct mox_ip *addrs)
{
    for (size_t i = 0; i < n; i++) {
        if (mox_ip_parse(text[i], &addrs[i]) != MOX_OK) {
            fprintf(stderr, "%s is no address\n", text[i]);
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct mox_filter_rules rules = {.size = sizeof rules};
    size_t n = argc > 2 ? (size_t)argc - 2 : 0;
    struct mox_ip *addrs = calloc(n + 1, sizeof *addrs);
    struct mox_choice *choices = calloc(n + 1, sizeof *choices);
    struct mox_error err = {.code = MOX_E_INVAL};
    int kept;

    if (n == 0 || addrs == NULL || choices == NULL || parse_all(argv + 2, n, addrs) != 0) {
        fprintf(stderr, "usage: filter 4|6|both ADDRESS...\n");
        free(addrs);
        free(choices);
        return 64;
    }
    if (strcmp(argv[1], "both") != 0)
        rules.families = argv[1][0] == '4' ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
    kept = mox_family_filter(&rules, addrs, n, choices, &err);
    for (size_t i = 0; kept >= 0 && i < n; i++) {
        const char *address = argv[2 + choices[i].index];

        if ((int)i < kept)
            printf("%zu. %s (%s)\n", i + 1, address, mox_order_name(choices[i].order));
        else
            printf("not: %s (%s)\n", address, mox_drop_name(choices[i].drop));
    }
    if (kept <= 0) /* the message names the family that is missing, and why */
        fprintf(stderr, "%s\n", err.message);
    free(addrs);
    free(choices);
    return kept > 0 ? 0 : 1;
}
