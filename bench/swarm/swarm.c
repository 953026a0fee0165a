/*
 * Many clients of an event stream in one process, cheap enough to load a server that sends two million events a second.
 *
 *   swarm <port> <path> <file with one bearer token per line, or -> <clients>
 *
 * Each client comes from a loopback address of its own (127.1.x.y). Orders are lines on standard input, answers lines of
 * JSON on standard output:
 *
 *   connect <most at once>        opens all clients that are not open; answers when each has the head of its answer
 *   cut <percent> <delay ms>      cuts the first percent of them; each comes back after a random part of the delay
 *   back <timeout ms>             answers when all of them are open
 *   until <sequence> <timeout ms> answers when all of them have the event of that number
 *   mute <clients>                the first ones stop reading
 *   reset                         counts anew
 *   stats
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sse.h"

enum state { CLOSED, CONNECTING, WAITING, OPEN };

struct client {
  int fd;
  enum state state;
  int muted;
  struct stream stream;
};

static struct client *clients;
/* When each comes back, microseconds; 0: it does not. Apart from the clients, since it is looked through often. */
static int64_t *due_us;
static uint32_t count, open_count, connecting, due_count, refused, ended, muted;
static char **tokens;
static uint32_t token_count;
static const char *path;
static int port, epoll;
static int64_t cut_at_us, back_us, retry_us = 1000000;

/* What is waited for; 0: nothing. */
static char waiting_for;
static int64_t waits_until_us;
static uint32_t most_at_once, next_to_connect;

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void answer(int in_time) {
  uint64_t least = UINT64_MAX, missing = 0;
  for (uint32_t i = muted; i < count; i++) {
    uint64_t sequence = clients[i].stream.sequence;
    if (sequence < least) least = sequence;
    if (sequence < tally.target) missing += tally.target - sequence;
  }
  printf("{\"inTime\":%s,\"open\":%u,\"refused\":%u,\"refusal\":\"%s\",\"ended\":%u,"
         "\"events\":%llu,\"lost\":%llu,\"missing\":%llu,\"duplicate\":%llu,\"gaps\":%llu,\"least\":%llu,"
         "\"p50\":%u,\"p99\":%u,\"max\":%u,\"lastUs\":%lld,\"backMs\":%.1f}\n",
         in_time ? "true" : "false", open_count, refused, tally.refusal, ended,
         (unsigned long long)tally.events, (unsigned long long)tally.lost, (unsigned long long)missing,
         (unsigned long long)tally.duplicate, (unsigned long long)tally.gaps, (unsigned long long)least,
         lateness(0.5), lateness(0.99), lateness(1), (long long)tally.last_us,
         (double)(back_us - cut_at_us) / 1000);
  fflush(stdout);
  waiting_for = 0;
}

static void watch(uint32_t i, uint32_t events, int op) {
  struct epoll_event event = {.events = events, .data.u32 = i};
  epoll_ctl(epoll, op, clients[i].fd, &event);
}

static void come_back(uint32_t i, int64_t delay_us) {
  if (!due_us[i]) due_count++;
  due_us[i] = now_us() + 1 + (delay_us ? random() % delay_us : 0);
}

static void leave(uint32_t i) {
  struct client *c = &clients[i];
  if (c->state == CLOSED) return;
  if (c->state == OPEN) open_count--;
  else connecting--;
  close(c->fd);
  c->state = CLOSED;
}

static void enter(uint32_t i) {
  struct client *c = &clients[i];
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
  from.sin_addr.s_addr = htonl(0x7f010000u + ((i / 250) << 8) + i % 250 + 1);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int yes = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) {
    perror("socket (see ulimit -n)");
    exit(1);
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
      (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
    perror("connect");
    exit(1);
  }
  stream_begin(&c->stream);
  c->state = CONNECTING;
  connecting++;
  watch(i, EPOLLOUT, EPOLL_CTL_ADD);
}

static void ask(uint32_t i) {
  struct client *c = &clients[i];
  char request[8192];
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n", path, port);
  if (token_count)
    length += snprintf(request + length, sizeof request - length, "Authorization: Bearer %s\r\n", tokens[i % token_count]);
  if (c->stream.id[0])
    length += snprintf(request + length, sizeof request - length, "Last-Event-ID: %s\r\n", c->stream.id);
  length += snprintf(request + length, sizeof request - length, "\r\n");
  if (send(c->fd, request, length, MSG_NOSIGNAL) != length) {
    leave(i);
    refused++;
    come_back(i, retry_us);
    return;
  }
  c->state = WAITING;
  watch(i, EPOLLIN, EPOLL_CTL_MOD);
}

static void lost(uint32_t i, int was_open) {
  if (was_open) ended++;
  else refused++;
  leave(i);
  /* Whoever was refused or ended comes back as a browser does; a client that does not read stays away. */
  if (i >= muted) come_back(i, retry_us);
}

static void take(uint32_t i, uint32_t events) {
  static char bytes[1 << 18];
  struct client *c = &clients[i];
  if (c->state == CLOSED) return;
  if (c->state == CONNECTING) {
    if (events & EPOLLERR) lost(i, 0);
    else ask(i);
    return;
  }
  if (c->muted) {
    lost(i, 1);
    return;
  }
  ssize_t length = recv(c->fd, bytes, sizeof bytes, 0);
  if (length < 0 && errno == EAGAIN) return;
  int was_open = c->state == OPEN;
  int result = length <= 0 ? -1 : stream_read(&c->stream, bytes, (size_t)length, now_us());
  if (result < 0) {
    lost(i, was_open);
  } else if (result == 1) {
    c->state = OPEN;
    connecting--;
    open_count++;
    if (open_count == count) back_us = now_us();
  }
}

static void order(char *line) {
  unsigned a = 0, b = 0;
  unsigned long long wide = 0;
  int64_t now = now_us();
  if (sscanf(line, "connect %u", &a) == 1) {
    most_at_once = a;
    next_to_connect = 0;
    waiting_for = 'c';
    waits_until_us = now + 300000000LL;
  } else if (sscanf(line, "cut %u %u", &a, &b) == 2) {
    cut_at_us = now;
    retry_us = b * 1000LL;
    for (uint32_t i = 0; i < (uint64_t)count * a / 100; i++) {
      leave(i);
      come_back(i, retry_us);
    }
    answer(1);
  } else if (sscanf(line, "back %u", &a) == 1) {
    waiting_for = 'b';
    waits_until_us = now + a * 1000LL;
  } else if (sscanf(line, "until %llu %u", &wide, &a) == 2) {
    tally.target = wide;
    tally.reached = 0;
    for (uint32_t i = 0; i < count; i++) tally.reached += clients[i].stream.sequence >= wide;
    waiting_for = 'u';
    waits_until_us = now + a * 1000LL;
  } else if (sscanf(line, "mute %u", &a) == 1) {
    for (uint32_t i = 0; i < a; i++) {
      clients[i].muted = 1;
      watch(i, EPOLLRDHUP, EPOLL_CTL_MOD);
    }
    muted = a;
    answer(1);
  } else if (strncmp(line, "reset", 5) == 0) {
    memset(&tally, 0, sizeof tally);
    refused = ended = 0;
    answer(1);
  } else {
    answer(1);
  }
}

static void read_orders(void) {
  static char text[4096];
  static size_t length;
  ssize_t got = read(0, text + length, sizeof text - length - 1);
  if (got <= 0) exit(0);
  length += (size_t)got;
  text[length] = 0;
  for (char *end; (end = strchr(text, '\n'));) {
    *end = 0;
    order(text);
    length -= (size_t)(end + 1 - text);
    memmove(text, end + 1, length + 1);
  }
}

static void look_around(void) {
  int64_t now = now_us();
  if (due_count)
    for (uint32_t i = 0; i < count; i++)
      if (due_us[i] && due_us[i] <= now) {
        due_us[i] = 0;
        due_count--;
        enter(i);
      }
  if (waiting_for == 'c')
    for (; next_to_connect < count && connecting < most_at_once; next_to_connect++)
      if (clients[next_to_connect].state == CLOSED && !due_us[next_to_connect]) enter(next_to_connect);
  if (!waiting_for) return;
  int all_open = open_count == count;
  /* A client that does not read stands where it stood. */
  uint32_t all = count - muted;
  if (waiting_for == 'u' ? tally.reached >= all : all_open) answer(1);
  else if (now > waits_until_us) answer(0);
}

static void read_tokens(const char *file) {
  FILE *from = strcmp(file, "-") == 0 ? NULL : fopen(file, "r");
  char line[4096];
  while (from && fgets(line, sizeof line, from)) {
    line[strcspn(line, "\n")] = 0;
    tokens = realloc(tokens, (token_count + 1) * sizeof *tokens);
    tokens[token_count++] = strdup(line);
  }
  if (from) fclose(from);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "swarm <port> <path> <file of tokens, or -> <clients>\n");
    return 2;
  }
  port = atoi(argv[1]);
  path = argv[2];
  read_tokens(argv[3]);
  count = (uint32_t)atoi(argv[4]);
  clients = calloc(count, sizeof *clients);
  due_us = calloc(count, sizeof *due_us);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event orders = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &orders);
  for (;;) {
    struct epoll_event events[512];
    int ready = epoll_wait(epoll, events, 512, 1);
    for (int n = 0; n < ready; n++) {
      if (events[n].data.u32 == UINT32_MAX) read_orders();
      else take(events[n].data.u32, events[n].events);
    }
    look_around();
  }
}
