/* jansson.c - jansson's tree of a file.   jansson FILE */
#include <stdio.h>

#include <jansson.h>

int main(int argc, char **argv)
{
    json_error_t err;
    json_t *tree = argc == 2 ? json_load_file(argv[1], 0, &err) : NULL;

    if (tree == NULL)
        return 1;
    printf("routes=%zu\n", json_array_size(json_object_get(tree, "Routes")));
    json_decref(tree);
    return 0;
}
