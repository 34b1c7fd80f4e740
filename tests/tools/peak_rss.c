/* SPDX-License-Identifier: MIT */
/* peak_rss COMMAND ARGUMENT...: runs a command and prints, as the last line of standard error, the most memory
 * that it had in use: "peak_rss 12345 KiB". Exits with the command's status.
 *
 * A program of its own, because a child that was forked by a large process begins with that process's peak. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: peak_rss COMMAND ARGUMENT...\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[1], arguments + 1);
        perror(arguments[1]);
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 2;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    fprintf(stderr, "peak_rss %ld KiB\n", usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
