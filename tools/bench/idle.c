/* SPDX-License-Identifier: GPL-3.0-or-later
 * idle.c - opens many connections and holds them, doing nothing.
 *
 *     idle PORT CONNECTIONS PATH [COMMAND …]
 *
 * With a PATH each connection first gets one answer, as a browser's kept connection has; with "-"
 * none says a word. Then COMMAND runs while they are open; without one they stay until stdin ends.
 * Connections come from 127.0.1.1, 127.0.1.2 …, A_SOURCE from each: so a limit per address is
 * neither hit nor paid for once alone. Code 1 when one of them was closed before the end.
 */
#include <netinet/in.h>
#include <sys/wait.h>

#include "answer.h"

enum { CONNECTIONS_MOST = 60000, A_SOURCE = 100 };

static int open_one(long port, size_t index)
{
    struct sockaddr_in to = loopback(port), from = loopback(0);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint32_t source = (uint32_t)(index / A_SOURCE);
    from.sin_addr.s_addr = htonl(0x7f000101u + (source / 250 << 8) + source % 250);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(fd, plain(&from), sizeof from) != 0 || connect(fd, plain(&to), sizeof to) != 0)
        fail("connection %zu: %s", index, strerror(errno));
    return fd;
}

static int run_command(char **command)
{
    if (command[0] == NULL) {
        char byte;
        while (read(STDIN_FILENO, &byte, 1) > 0)
            continue;
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        execvp(command[0], command);
        fail("%s: %s", command[0], strerror(errno));
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        fail("fork: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    bench_name = "idle";
    if (argc < 4)
        fail("usage: idle PORT CONNECTIONS PATH [COMMAND …]");
    static char answer[ANSWER_HEAD_MOST + ANSWER_BODY_MOST];
    char request[REQUEST_MOST];
    long port = number(argv[1], 1, 65535, "port");
    size_t n = (size_t)number(argv[2], 1, CONNECTIONS_MOST, "connections");
    bool talk = strcmp(argv[3], "-") != 0;
    size_t request_bytes = make_request(request, port, argv[3]);
    if (raise_descriptors() < (long)n + 16)
        fail("%zu connections need more descriptors than this machine allows", n);
    close(connect_patiently(port));
    int *fds = must(calloc(n, sizeof *fds));
    for (size_t i = 0; i < n; i++) {
        fds[i] = open_one(port, i);
        if (talk)
            ask_once(fds[i], request, request_bytes, answer, sizeof answer);
    }
    fprintf(stderr, "idle: %zu connections are open\n", n);
    int code = run_command(argv + 4);
    for (size_t i = 0; i < n; i++) {
        char byte;
        if (recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
            fail("connection %zu did not stay open and silent", i);
    }
    free(fds);
    return code;
}
