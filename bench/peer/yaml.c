/* yaml.c - libyaml's events of a file, nothing kept.   yaml FILE */
#include <stdio.h>

#include <yaml.h>

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    yaml_parser_t parser;
    yaml_event_t event;
    unsigned long events = 0;
    int end = 0;

    if (file == NULL || !yaml_parser_initialize(&parser))
        return 1;
    yaml_parser_set_input_file(&parser, file);
    while (!end) {
        if (!yaml_parser_parse(&parser, &event))
            return 1;
        end = event.type == YAML_STREAM_END_EVENT;
        events++;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    printf("events=%lu\n", events);
    return 0;
}
