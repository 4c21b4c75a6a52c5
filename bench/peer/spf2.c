/*
 * spf2.c - SPF by libspf2, whose DNS is its own zone in memory; the library's is bench/spf.c.
 *
 *   spf2 time COUNT   so many checks of the records in bench/spf.h, then so many times their bare
 *                     questions: prints nanoseconds of CPU time of each
 *   spf2 cases FILE   the cases of the RFC's suite: prints how many there are, and how many pass
 */
#include <netinet/in.h>
#include <sys/types.h>

#include <spf2/spf.h>
#include <spf2/spf_dns_zone.h>

#include "bench/spf.h"

static ns_type type_of(const char *name)
{
    static const struct {
        const char *name;
        ns_type type;
    } types[] = {
        {"A", ns_t_a}, {"AAAA", ns_t_aaaa}, {"MX", ns_t_mx}, {"PTR", ns_t_ptr}, {"TXT", ns_t_txt}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    }
    return ns_t_any; /* LATE, NAME */
}

/* The strings of a TXT record joined, without their quotes, in place. */
static char *join(char *data)
{
    char *out = data;

    for (const char *in = data; *in != '\0'; in++) {
        if (strncmp(in, "\" \"", 3) == 0)
            in += 2;
        else if (*in != '"')
            *out++ = *in;
    }
    *out = '\0';
    return data;
}

static void add(SPF_dns_server_t *zone, const char *name, const char *type, const char *data)
{
    ns_type rr = type_of(type);
    char *text = strdup(data);

    if (strcmp(type, "LATE") == 0)
        SPF_dns_zone_add_str(zone, name, rr, TRY_AGAIN, NULL);
    else if (rr != ns_t_any) /* NAME: that the name exists it cannot be told */
        SPF_dns_zone_add_str(zone, name, rr, NETDB_SUCCESS,
                             spf_unescape(rr == ns_t_txt ? join(text) : text));
    free(text);
}

static SPF_result_t check(SPF_server_t *server, const char *ip, const char *helo, const char *from)
{
    SPF_request_t *request = SPF_request_new(server);
    SPF_response_t *response = NULL;
    SPF_result_t result;

    if (strchr(ip, ':') == NULL)
        SPF_request_set_ipv4_str(request, ip);
    else
        SPF_request_set_ipv6_str(request, ip);
    SPF_request_set_helo_dom(request, helo);
    SPF_request_set_env_from(request, from);
    SPF_request_query_mailfrom(request, &response);
    result = SPF_response_result(response);
    SPF_response_free(response);
    SPF_request_free(request);
    return result == SPF_RESULT_INVALID ? SPF_RESULT_PERMERROR
                                        : result; /* it had an error instead */
}

static int ask(SPF_dns_server_t *zone, const char *name, ns_type type)
{
    SPF_dns_rr_t *answer = SPF_dns_lookup(zone, name, type, 0);
    int good = answer != NULL;

    if (good)
        SPF_dns_rr_free(answer);
    return good;
}

static int time_checks(unsigned long count)
{
    SPF_dns_server_t *zone = SPF_dns_zone_new(NULL, NULL, 0);
    SPF_server_t *server = SPF_server_new_dns(zone, 0);
    double begin, checks;
    int good = 1;

    for (size_t i = 0; i < SPF_RECORDS; i++)
        add(zone, spf_records[i].name, spf_records[i].type, spf_records[i].data);
    begin = spf_ns();
    for (unsigned long i = 0; i < count && good; i++)
        good = check(server, spf_client, spf_helo, spf_sender) == SPF_RESULT_PASS;
    checks = (spf_ns() - begin) / (double)count;
    begin = spf_ns();
    for (unsigned long i = 0; i < count && good; i++) {
        for (size_t k = 0; k < SPF_RECORDS && good; k++)
            good = ask(zone, spf_records[k].name, type_of(spf_records[k].type));
        good = good && ask(zone, spf_void, ns_t_a);
    }
    if (good)
        printf("check=%.1f dns=%.1f\n", checks, (spf_ns() - begin) / (double)count);
    SPF_server_free(server);
    return !good;
}

static int run_cases(const char *path)
{
    static struct spf_line line;
    FILE *file = fopen(path, "r");
    SPF_server_t *server = NULL;
    SPF_dns_server_t *zone = NULL;
    unsigned long cases = 0, passed = 0;

    while (file != NULL && spf_line_next(file, &line)) {
        char **f = line.fields;

        if (server == NULL) {
            zone = SPF_dns_zone_new(NULL, NULL, 0);
            server = SPF_server_new_dns(zone, 0);
        }
        if (strcmp(f[0], "zone") == 0) {
            add(zone, spf_unescape(f[2]), f[1], f[3]);
        } else if (strcmp(f[0], "case") == 0) {
            const char *result =
                SPF_strresult(check(server, f[2], spf_unescape(f[3]), spf_unescape(f[4])));
            int good = spf_is_among(result, f[5]);

            cases++;
            passed += (unsigned)good;
            if (!good)
                fprintf(stderr, "spf2: %s has %s, not %s\n", f[1], result, f[5]);
        } else {
            SPF_server_free(server);
            server = NULL;
        }
    }
    printf("cases=%lu passed=%lu\n", cases, passed);
    return file == NULL;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "time") == 0)
        return time_checks(strtoul(argv[2], NULL, 10));
    return argc == 3 && strcmp(argv[1], "cases") == 0 ? run_cases(argv[2]) : 64;
}
