/*
 * commitfloor - what one acknowledged request costs on this machine before anything is done with it.
 *
 * A client sends 960 bytes over loopback and waits for 113; a thread with epoll receives them and wakes a second one, which
 * writes 20,600 bytes into a file (five WAL frames, what a span costs), syncs it, and wakes the first, which answers.
 * No HTTP, no decoding, no database.
 *
 * Use: commitfloor FILE [--work MICROSECONDS] [--requests N]     (the file is created, overwritten and removed)
 * Prints one JSON line: requests_per_s, p50_us.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 960, ANSWER = 113, COMMIT = 20600, LOG_SIZE = 6 << 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int is_waiting, committed, log_file, work_us;
static char bytes[COMMIT];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void *writer(void *unused) {
    (void)unused;
    for (off_t offset = 0;; offset = offset > LOG_SIZE ? 0 : offset + COMMIT) {
        pthread_mutex_lock(&mutex);
        while (!is_waiting) pthread_cond_wait(&condition, &mutex);
        is_waiting = 0;
        pthread_mutex_unlock(&mutex);
        for (double end = now_us() + work_us; now_us() < end;) {}
        if (pwrite(log_file, bytes, COMMIT, offset) != COMMIT || fdatasync(log_file) != 0) die("commit");
        if (eventfd_write(committed, 1) != 0) die("eventfd");
    }
    return NULL;
}

static void *server(void *argument) {
    int connection = accept(*(int *)argument, NULL, NULL), one = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = connection};
    epoll_ctl(poll, EPOLL_CTL_ADD, connection, &event);
    event.data.fd = committed;
    epoll_ctl(poll, EPOLL_CTL_ADD, committed, &event);
    char input[REQUEST];
    int received = 0;
    while (epoll_wait(poll, &event, 1, -1) >= 0) {
        if (event.data.fd == committed) {
            eventfd_t count;
            eventfd_read(committed, &count);
            if (write(connection, bytes, ANSWER) != ANSWER) die("answer");
            continue;
        }
        ssize_t count = read(connection, input, (size_t)(REQUEST - received));
        if (count <= 0) break;
        received += (int)count;
        if (received < REQUEST) continue;
        received = 0;
        pthread_mutex_lock(&mutex);
        is_waiting = 1;
        pthread_mutex_unlock(&mutex);
        pthread_cond_signal(&condition);
    }
    return NULL;
}

static int compare(const void *first, const void *second) {
    double a = *(const double *)first, b = *(const double *)second;
    return (a > b) - (a < b);
}

int main(int count, char **arguments) {
    int requests = 3000;
    for (int index = 2; index + 1 < count; index += 2) {
        if (!strcmp(arguments[index], "--work")) work_us = atoi(arguments[index + 1]);
        if (!strcmp(arguments[index], "--requests")) requests = atoi(arguments[index + 1]);
    }
    if (count < 2 || requests < 1) return fprintf(stderr, "use: commitfloor FILE [--work US] [--requests N]\n"), 1;
    log_file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (log_file < 0) die(arguments[1]);
    /* Blocks that are there already: a log that is used again and again has them too. */
    for (off_t offset = 0; offset <= LOG_SIZE + 2 * COMMIT; offset += COMMIT)
        if (pwrite(log_file, bytes, COMMIT, offset) != COMMIT) die("write");
    fsync(log_file);
    committed = eventfd(0, EFD_NONBLOCK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    pthread_t thread;
    pthread_create(&thread, NULL, writer, NULL);
    pthread_create(&thread, NULL, server, &listener);
    int connection = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(connection, (struct sockaddr *)&address, size) != 0) die("connect");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    double *times = malloc((size_t)requests * sizeof *times), started = now_us();
    for (int index = 0; index < requests; index++) {
        char answer[ANSWER];
        double sent = now_us();
        if (write(connection, bytes, REQUEST) != REQUEST) die("send");
        for (int received = 0; received < ANSWER;) {
            ssize_t piece = read(connection, answer, (size_t)(ANSWER - received));
            if (piece <= 0) die("receive");
            received += (int)piece;
        }
        times[index] = now_us() - sent;
    }
    double seconds = (now_us() - started) / 1e6;
    qsort(times, (size_t)requests, sizeof *times, compare);
    printf("{\"requests_per_s\":%.0f,\"p50_us\":%.0f}\n", requests / seconds, times[requests / 2]);
    unlink(arguments[1]);
    return 0;
}
