#include "ccurl.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

// What has it as its name is loaded also where no development package is installed.
static const char library_name[] = "libcurl.so.4";

// Each function that is used: what it returns, its name without `curl_`, what it takes.
#define FUNCTIONS(FUNCTION) \
  FUNCTION(CURLcode, global_init, (long flags)) \
  FUNCTION(curl_version_info_data *, version_info, (CURLversion age)) \
  FUNCTION(CURL *, easy_init, (void)) \
  FUNCTION(void, easy_cleanup, (CURL * handle)) \
  FUNCTION(void, easy_reset, (CURL * handle)) \
  FUNCTION(CURLcode, easy_pause, (CURL * handle, int bits)) \
  FUNCTION(CURLcode, easy_setopt, (CURL * handle, CURLoption option, ...)) \
  FUNCTION(CURLcode, easy_getinfo, (CURL * handle, CURLINFO info, ...)) \
  FUNCTION(const char *, easy_strerror, (CURLcode code)) \
  FUNCTION(struct curl_slist *, slist_append, (struct curl_slist * list, const char *text)) \
  FUNCTION(void, slist_free_all, (struct curl_slist * list)) \
  FUNCTION(CURLM *, multi_init, (void)) \
  FUNCTION(CURLMcode, multi_cleanup, (CURLM * multi)) \
  FUNCTION(CURLMcode, multi_add_handle, (CURLM * multi, CURL * handle)) \
  FUNCTION(CURLMcode, multi_remove_handle, (CURLM * multi, CURL * handle)) \
  FUNCTION(CURLMcode, multi_socket_action, (CURLM * multi, curl_socket_t socket, int events, int *running)) \
  FUNCTION(CURLMsg *, multi_info_read, (CURLM * multi, int *waiting)) \
  FUNCTION(CURLMcode, multi_setopt, (CURLM * multi, CURLMoption option, ...)) \
  FUNCTION(const char *, multi_strerror, (CURLMcode code))

#define POINTER(result, name, parameters) result(*name) parameters;
static struct { FUNCTIONS(POINTER) } curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

static void load(void) {
  // It stays until the process ends.
  void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(failure, sizeof failure, "%s", dlerror());
    return;
  }
#define FIND(result, name, parameters) \
  curl.name = (result(*) parameters)dlsym(library, "curl_" #name); \
  if (curl.name == NULL) { \
    snprintf(failure, sizeof failure, "%s has no curl_%s", library_name, #name); \
    return; \
  }
  FUNCTIONS(FIND)
  CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) snprintf(failure, sizeof failure, "%s: %s", library_name, curl.easy_strerror(code));
}

const char *ccurl_load(void) {
  pthread_once(&once, load);
  return failure[0] == '\0' ? NULL : failure;
}

unsigned int ccurl_version(void) { return curl.version_info(CURLVERSION_NOW)->version_num; }

CURL *ccurl_easy_init(void) { return curl.easy_init(); }
void ccurl_easy_cleanup(CURL *handle) { curl.easy_cleanup(handle); }
void ccurl_easy_reset(CURL *handle) { curl.easy_reset(handle); }
CURLcode ccurl_easy_pause(CURL *handle, int bits) { return curl.easy_pause(handle, bits); }
const char *ccurl_easy_strerror(CURLcode code) { return curl.easy_strerror(code); }

struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text) {
  return curl.slist_append(list, text);
}

void ccurl_slist_free_all(struct curl_slist *list) { curl.slist_free_all(list); }

CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) { return curl.easy_setopt(handle, option, value); }

CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl.easy_setopt(handle, option, value);
}

CURLcode ccurl_set_write_function(CURL *handle, CURLoption option, ccurl_write_function function) {
  return curl.easy_setopt(handle, option, function);
}

CURLcode ccurl_set_prerequest_function(CURL *handle, ccurl_prerequest_function function, void *context) {
  CURLcode code = curl.easy_setopt(handle, CURLOPT_PREREQFUNCTION, function);
  return code == CURLE_OK ? curl.easy_setopt(handle, CURLOPT_PREREQDATA, context) : code;
}

CURLcode ccurl_get_long(CURL *handle, CURLINFO info, long *value) { return curl.easy_getinfo(handle, info, value); }

CURLcode ccurl_get_pointer(CURL *handle, CURLINFO info, void **value) {
  return curl.easy_getinfo(handle, info, value);
}

CURLcode ccurl_get_text(CURL *handle, CURLINFO info, const char **value) {
  return curl.easy_getinfo(handle, info, value);
}

CURLcode ccurl_get_socket(CURL *handle, CURLINFO info, curl_socket_t *value) {
  return curl.easy_getinfo(handle, info, value);
}

int ccurl_has_input(curl_socket_t socket) {
  char byte;
  ssize_t count = recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

CURLM *ccurl_multi_init(void) { return curl.multi_init(); }
CURLMcode ccurl_multi_cleanup(CURLM *multi) { return curl.multi_cleanup(multi); }
CURLMcode ccurl_multi_add_handle(CURLM *multi, CURL *handle) { return curl.multi_add_handle(multi, handle); }
CURLMcode ccurl_multi_remove_handle(CURLM *multi, CURL *handle) { return curl.multi_remove_handle(multi, handle); }

CURLMcode ccurl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running) {
  return curl.multi_socket_action(multi, socket, events, running);
}

CURLMsg *ccurl_multi_info_read(CURLM *multi, int *waiting) { return curl.multi_info_read(multi, waiting); }
const char *ccurl_multi_strerror(CURLMcode code) { return curl.multi_strerror(code); }

CURLMcode ccurl_multi_set_socket_function(CURLM *multi, ccurl_socket_function function, void *context) {
  CURLMcode code = curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, function);
  return code == CURLM_OK ? curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, context) : code;
}

CURLMcode ccurl_multi_set_timer_function(CURLM *multi, ccurl_timer_function function, void *context) {
  CURLMcode code = curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, function);
  return code == CURLM_OK ? curl.multi_setopt(multi, CURLMOPT_TIMERDATA, context) : code;
}

CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl.multi_setopt(multi, option, value);
}
