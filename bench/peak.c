/*
 * peak.c - run a program and tell the most memory it ever had: peak=BYTES. A process of its own,
 * because a child inherits the peak of the one it was forked from until it calls exec.
 *
 *   peak PROGRAM [ARGUMENT...]
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status = 1;
    pid_t pid;

    if (argc < 2)
        return 64;
    pid = fork();
    if (pid == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 1;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("peak=%ld\n", usage.ru_maxrss * 1024);
    return 0;
}
