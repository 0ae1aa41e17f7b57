// aglload - load on an Agent Lightning store: POSTs of JSON over keep-alive HTTP/1.1, one thread a connection.
//
//   aglload --target HOST:PORT --mode MODE [--connections 1] [--seconds 5] [--total REQUESTS] [--ids FILE] ...
//
//   add_span        a new span a request, into the rollouts and attempts of --ids
//   enqueue         --batch rollouts a request (1)
//   dequeue         one rollout a request, each connection a worker; a connection ends when the queue is empty
//   update_attempt  {"status":"running"} for the rollouts and attempts of --ids in turn
//   poll            a dequeue every --interval milliseconds a connection, on a queue that is empty
//   body            --body-file to --path
//
// --ids names a file with a line `ROLLOUT ATTEMPT` for each. Every connection has its own share of the lines, or, when
// there are fewer lines than connections, shares one.
//
// Prints one JSON object: {"requests","errors","empty","seconds","per_s","lat_us":{"p50","p99","max"}}. `per_s` counts
// rollouts for enqueue and dequeue. The exit status is 3 when a request failed, 1 when nothing could be measured.

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum mode { ADD_SPAN, ENQUEUE, DEQUEUE, UPDATE_ATTEMPT, POLL, BODY };
static const char *const mode_names[] = {"add_span", "enqueue", "dequeue", "update_attempt", "poll", "body"};

struct ids {
  char rollout[64];
  char attempt[64];
};

static struct {
  char host[128], port[16];
  enum mode mode;
  int connections;
  double seconds;
  long total;  // Requests of all connections; 0 is no limit.
  int batch;
  long interval_ms;
  const char *path;
  char *body;
  size_t body_size;
  struct ids *ids;
  size_t id_count;
} options = {.connections = 1, .seconds = 5, .batch = 1, .interval_ms = 5000};

struct connection {
  int number;
  int socket;
  pthread_t thread;
  char *request;      // Head and body as they are sent.
  size_t request_size, request_room;
  char *answer;       // Bytes that were received and not looked at yet.
  size_t answer_size, answer_room;
  uint32_t *latencies;  // Microseconds.
  size_t latency_count, latency_room;
  long requests, errors, empty, items;
  uint64_t counter;
};

static atomic_long requests_left;
static uint64_t begin_ns, end_ns;
static uint64_t run_id;  // Keeps the ids of one run apart from those of another.

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static void *grow(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory) die("out of memory");
  return memory;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void sleep_until(uint64_t when_ns) {
  struct timespec time = {.tv_sec = (time_t)(when_ns / 1000000000u), .tv_nsec = (long)(when_ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {
  }
}

// Requests

static __attribute__((format(printf, 2, 3))) void append(struct connection *connection, const char *format, ...) {
  for (;;) {
    size_t room = connection->request_room - connection->request_size;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(connection->request + connection->request_size, room, format, arguments);
    va_end(arguments);
    if (written < 0) die("vsnprintf");
    if ((size_t)written < room) {
      connection->request_size += (size_t)written;
      return;
    }
    connection->request_room = connection->request_room * 2 + (size_t)written + 1;
    connection->request = grow(connection->request, connection->request_room);
  }
}

// The lines of --ids that belong to a connection: every n-th, or a shared one when there are not enough.
static const struct ids *next_ids(struct connection *connection) {
  if (options.id_count <= (size_t)options.connections) return &options.ids[(size_t)connection->number % options.id_count];
  size_t share = (options.id_count - (size_t)connection->number + (size_t)options.connections - 1) / (size_t)options.connections;
  return &options.ids[(size_t)connection->number + connection->counter % share * (size_t)options.connections];
}

// About 750 bytes with ten attributes, every key that AGL's model asks for.
static void append_span(struct connection *connection) {
  const struct ids *ids = next_ids(connection);
  uint64_t span = run_id << 48 | (uint64_t)(connection->number + 1) << 36 | (connection->counter + 1);
  double start = 1700000000.25 + (double)connection->counter * 1e-3;
  append(connection,
         "{\"rollout_id\":\"%s\",\"attempt_id\":\"%s\",\"sequence_id\":%llu,\"trace_id\":\"%016llx%08llx%08x\",\"span_id\":\"%016llx\","
         "\"parent_id\":null,\"name\":\"openai.chat.completion\",\"status\":{\"status_code\":\"OK\",\"description\":null},\"attributes\":{"
         "\"gen_ai.request.model\":\"gpt-4o\",\"gen_ai.request.temperature\":0.7,\"gen_ai.prompt.0.role\":\"user\","
         "\"gen_ai.prompt.0.content\":\"What is the sum of one and one?\",\"gen_ai.completion.0.role\":\"assistant\","
         "\"gen_ai.completion.0.content\":\"The sum is two.\",\"gen_ai.usage.prompt_tokens\":12,\"gen_ai.usage.completion_tokens\":5,"
         "\"gen_ai.streaming\":false,\"prompt_token_ids\":[1,2,3,4,5,6,7,8]},\"events\":[],\"links\":[],\"start_time\":%.3f,"
         "\"end_time\":%.3f,\"context\":null,\"parent\":null,\"resource\":{\"attributes\":{\"service.name\":\"agent\"},\"schema_url\":\"\"}}",
         ids->rollout, ids->attempt, (unsigned long long)(connection->counter + 1), (unsigned long long)run_id,
         (unsigned long long)connection->number, 1u, (unsigned long long)span, start, start + 0.5);
}

static void append_rollouts(struct connection *connection) {
  append(connection, "{\"rollouts\":[");
  for (int index = 0; index < options.batch; index++)
    append(connection,
           "%s{\"input\":{\"question\":\"%d-%llu-%d\"},\"mode\":\"train\",\"resources_id\":null,\"config\":{\"timeout_seconds\":null,"
           "\"unresponsive_seconds\":null,\"max_attempts\":3,\"retry_condition\":[\"failed\"]},\"metadata\":null}",
           index ? "," : "", connection->number, (unsigned long long)connection->counter, index);
  append(connection, "]}");
}

static void make_request(struct connection *connection) {
  char path[256];
  // The length of the body is known after it was written; its digits get a place of fixed width (RFC 9112 allows zeros).
  enum { LENGTH_DIGITS = 10 };
  switch (options.mode) {
    case ADD_SPAN: snprintf(path, sizeof path, "/v1/agl/spans"); break;
    case ENQUEUE: snprintf(path, sizeof path, "/v1/agl/queues/rollouts/enqueue"); break;
    case DEQUEUE:
    case POLL: snprintf(path, sizeof path, "/v1/agl/queues/rollouts/dequeue"); break;
    case UPDATE_ATTEMPT: {
      const struct ids *ids = next_ids(connection);
      snprintf(path, sizeof path, "/v1/agl/rollouts/%s/attempts/%s", ids->rollout, ids->attempt);
      break;
    }
    case BODY: snprintf(path, sizeof path, "%s", options.path); break;
  }
  connection->request_size = 0;
  append(connection, "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: ", path,
         options.host, options.port);
  size_t length_at = connection->request_size;
  append(connection, "%0*d\r\n\r\n", LENGTH_DIGITS, 0);
  size_t body_at = connection->request_size;
  switch (options.mode) {
    case ADD_SPAN: append_span(connection); break;
    case ENQUEUE: append_rollouts(connection); break;
    case DEQUEUE:
    case POLL: append(connection, "{\"limit\":1,\"worker_id\":\"Worker-%d\"}", connection->number); break;
    case UPDATE_ATTEMPT: append(connection, "{\"status\":\"running\"}"); break;
    case BODY: append(connection, "%.*s", (int)options.body_size, options.body); break;
  }
  char digits[LENGTH_DIGITS + 1];
  snprintf(digits, sizeof digits, "%0*zu", LENGTH_DIGITS, connection->request_size - body_at);
  memcpy(connection->request + length_at, digits, LENGTH_DIGITS);
  connection->counter++;
}

// The connection

static bool connect_to_target(struct connection *connection) {
  if (connection->socket >= 0) close(connection->socket);
  connection->answer_size = 0;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(options.host, options.port, &hints, &found) != 0) die("%s: no such host", options.host);
  connection->socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_connected = connection->socket >= 0 && connect(connection->socket, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  int one = 1;
  if (is_connected) setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return is_connected;
}

static bool send_request(struct connection *connection) {
  size_t sent = 0;
  while (sent < connection->request_size) {
    ssize_t count = send(connection->socket, connection->request + sent, connection->request_size - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += (size_t)count;
  }
  return true;
}

static bool receive_some(struct connection *connection) {
  if (connection->answer_room - connection->answer_size < 65536) {
    connection->answer_room = connection->answer_room * 2 + 131072;
    connection->answer = grow(connection->answer, connection->answer_room);
  }
  for (;;) {
    ssize_t count = recv(connection->socket, connection->answer + connection->answer_size,
                         connection->answer_room - connection->answer_size - 1, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    connection->answer_size += (size_t)count;
    connection->answer[connection->answer_size] = 0;
    return true;
  }
}

// Where a chunked body that begins at `at` ends, 0 when it is not complete.
static size_t end_of_chunks(const struct connection *connection, size_t at) {
  for (;;) {
    char *line_end = at < connection->answer_size
                         ? memmem(connection->answer + at, connection->answer_size - at, "\r\n", 2) : NULL;
    if (!line_end) return 0;
    size_t size = strtoul(connection->answer + at, NULL, 16);
    at = (size_t)(line_end - connection->answer) + 2 + size + 2;
    if (at > connection->answer_size) return 0;
    if (size == 0) return at;
  }
}

// Receives one answer; its status, or 0 when the connection broke. `is_empty` says whether the body is `[]`.
static int receive_answer(struct connection *connection, bool *is_empty) {
  char *head_end;
  while (connection->answer_size == 0 ||
         !(head_end = memmem(connection->answer, connection->answer_size, "\r\n\r\n", 4)))
    if (!receive_some(connection)) return 0;
  size_t body_at = (size_t)(head_end - connection->answer) + 4;
  if (memcmp(connection->answer, "HTTP/1.1 ", 9) != 0) return 0;
  int status = atoi(connection->answer + 9);
  long length = -1;
  bool is_chunked = false;
  for (char *line = strstr(connection->answer, "\r\n") + 2; line < head_end; line = strstr(line, "\r\n") + 2) {
    if (strncasecmp(line, "content-length:", 15) == 0) length = atol(line + 15);
    if (strncasecmp(line, "transfer-encoding: chunked", 26) == 0) is_chunked = true;
  }
  size_t end = 0;
  if (is_chunked) {
    while (!(end = end_of_chunks(connection, body_at)))
      if (!receive_some(connection)) return 0;
  } else {
    if (length < 0) return 0;
    end = body_at + (size_t)length;
    while (connection->answer_size < end)
      if (!receive_some(connection)) return 0;
  }
  *is_empty = length == 2 && memcmp(connection->answer + body_at, "[]", 2) == 0;
  memmove(connection->answer, connection->answer + end, connection->answer_size - end);
  connection->answer_size -= end;
  return status;
}

static void record(struct connection *connection, uint64_t ns) {
  if (connection->latency_count == connection->latency_room) {
    connection->latency_room = connection->latency_room * 2 + 4096;
    connection->latencies = grow(connection->latencies, connection->latency_room * sizeof *connection->latencies);
  }
  connection->latencies[connection->latency_count++] = (uint32_t)(ns / 1000 < UINT32_MAX ? ns / 1000 : UINT32_MAX);
}

// One request and its answer. False ends the connection: the queue is empty, or the server can not be reached.
static bool exchange(struct connection *connection) {
  make_request(connection);
  uint64_t started = now_ns();
  bool is_empty = false;
  int status = send_request(connection) ? receive_answer(connection, &is_empty) : 0;
  connection->requests++;
  if (status < 200 || status > 299) {
    connection->errors++;
    return status != 0 || connect_to_target(connection);
  }
  if (options.mode == DEQUEUE && is_empty) {
    connection->empty++;
    return false;
  }
  connection->empty += is_empty;
  connection->items += options.mode == ENQUEUE ? options.batch : 1;
  record(connection, now_ns() - started);
  return true;
}

static void *run(void *argument) {
  struct connection *connection = argument;
  uint64_t due = begin_ns;
  // Pollers do not all come at once.
  if (options.mode == POLL)
    due += (uint64_t)options.interval_ms * 1000000u * (uint64_t)connection->number / (uint64_t)options.connections;
  sleep_until(due);
  while (now_ns() < end_ns && atomic_fetch_sub(&requests_left, 1) > 0 && exchange(connection)) {
    if (options.mode != POLL) continue;
    due += (uint64_t)options.interval_ms * 1000000u;
    if (due >= end_ns) break;
    sleep_until(due);
  }
  return NULL;
}

// Options and the result

static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) die("%s: %s", path, strerror(errno));
  char *text = NULL;
  size_t room = 0, used = 0, count;
  do {
    if (room - used < 65536) text = grow(text, room = room * 2 + 131072);
    used += count = fread(text + used, 1, room - used - 1, file);
  } while (count);
  fclose(file);
  text[used] = 0;
  *size = used;
  return text;
}

static void read_ids(const char *path) {
  size_t size;
  char *text = read_file(path, &size), *rest = text;
  for (char *line; (line = strsep(&rest, "\n"));) {
    struct ids ids;
    if (sscanf(line, "%63s %63s", ids.rollout, ids.attempt) != 2) continue;
    options.ids = grow(options.ids, (options.id_count + 1) * sizeof *options.ids);
    options.ids[options.id_count++] = ids;
  }
  free(text);
}

static void parse_options(int count, char **words) {
  bool has_mode = false;
  for (int index = 1; index + 1 < count; index += 2) {
    const char *name = words[index], *value = words[index + 1];
    if (strcmp(name, "--target") == 0) {
      if (sscanf(value, "%127[^:]:%15s", options.host, options.port) != 2) die("--target takes HOST:PORT");
    } else if (strcmp(name, "--mode") == 0) {
      for (size_t mode = 0; mode < sizeof mode_names / sizeof *mode_names; mode++)
        if (strcmp(value, mode_names[mode]) == 0) options.mode = (enum mode)mode, has_mode = true;
    } else if (strcmp(name, "--connections") == 0) {
      options.connections = atoi(value);
    } else if (strcmp(name, "--seconds") == 0) {
      options.seconds = atof(value);
    } else if (strcmp(name, "--total") == 0) {
      options.total = atol(value);
    } else if (strcmp(name, "--batch") == 0) {
      options.batch = atoi(value);
    } else if (strcmp(name, "--interval") == 0) {
      options.interval_ms = atol(value);
    } else if (strcmp(name, "--ids") == 0) {
      read_ids(value);
    } else if (strcmp(name, "--path") == 0) {
      options.path = value;
    } else if (strcmp(name, "--body-file") == 0) {
      options.body = read_file(value, &options.body_size);
    } else {
      die("unknown option %s", name);
    }
  }
  if (count % 2 == 0) die("%s has no value", words[count - 1]);
  if (!*options.host || !has_mode || options.connections < 1 || options.batch < 1) die("--target and --mode are needed");
  if ((options.mode == ADD_SPAN || options.mode == UPDATE_ATTEMPT) && !options.id_count) die("--ids is needed");
  if (options.mode == BODY && (!options.path || !options.body)) die("--path and --body-file are needed");
}

static int compare(const void *one, const void *other) {
  uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
  return (a > b) - (a < b);
}

int main(int count, char **words) {
  parse_options(count, words);
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  run_id = ((uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000) & 0xffff;
  atomic_store(&requests_left, options.total ? options.total : INT64_MAX / 2);

  struct connection *connections = grow(NULL, (size_t)options.connections * sizeof *connections);
  memset(connections, 0, (size_t)options.connections * sizeof *connections);
  for (int index = 0; index < options.connections; index++) {
    connections[index].number = index;
    connections[index].socket = -1;
    if (!connect_to_target(&connections[index])) die("%s:%s: %s", options.host, options.port, strerror(errno));
  }
  begin_ns = now_ns();
  end_ns = begin_ns + (uint64_t)(options.seconds * 1e9);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  for (int index = 0; index < options.connections; index++)
    if (pthread_create(&connections[index].thread, &attributes, run, &connections[index]) != 0) die("pthread_create");

  long requests = 0, errors = 0, empty = 0, items = 0;
  size_t latency_count = 0;
  uint32_t *latencies = NULL;
  for (int index = 0; index < options.connections; index++) {
    struct connection *connection = &connections[index];
    pthread_join(connection->thread, NULL);
    requests += connection->requests, errors += connection->errors, empty += connection->empty, items += connection->items;
    latencies = grow(latencies, (latency_count + connection->latency_count + 1) * sizeof *latencies);
    if (connection->latency_count)
      memcpy(latencies + latency_count, connection->latencies, connection->latency_count * sizeof *latencies);
    latency_count += connection->latency_count;
    close(connection->socket);
    free(connection->latencies), free(connection->request), free(connection->answer);
  }
  double seconds = (double)(now_ns() - begin_ns) / 1e9;
  if (latency_count) qsort(latencies, latency_count, sizeof *latencies, compare);
  uint32_t p50 = latency_count ? latencies[latency_count / 2] : 0, p99 = latency_count ? latencies[latency_count * 99 / 100] : 0;
  uint32_t highest = latency_count ? latencies[latency_count - 1] : 0;
  printf("{\"requests\":%ld,\"errors\":%ld,\"empty\":%ld,\"seconds\":%.3f,\"per_s\":%.1f,\"lat_us\":{\"p50\":%u,\"p99\":%u,\"max\":%u}}\n",
         requests, errors, empty, seconds, (double)items / seconds, p50, p99, highest);
  free(latencies), free(connections), free(options.ids), free(options.body);
  return errors ? 3 : latency_count ? 0 : 1;
}
