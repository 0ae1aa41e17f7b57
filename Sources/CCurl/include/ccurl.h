// libcurl, loaded when it is first needed: it brings some twenty libraries, which would make every start slower and take
// memory also where nothing is sent anywhere.
//
// `ccurl_load` comes first. The functions are libcurl's of the same name, without the `c`; those that are variadic there,
// which Swift cannot call, are here once for each type of value.

#ifndef CCURL_H
#define CCURL_H

// Without the macros that check the types of options: they would hide the functions from Swift.
#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>

// Loads libcurl, once for the process. Returns why it cannot be loaded, or NULL.
const char *ccurl_load(void);

// The number of the library that is there, 0xMMmmpp.
unsigned int ccurl_version(void);

CURL *ccurl_easy_init(void);
void ccurl_easy_cleanup(CURL *handle);
void ccurl_easy_reset(CURL *handle);
CURLcode ccurl_easy_pause(CURL *handle, int bits);
const char *ccurl_easy_strerror(CURLcode code);
struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text);
void ccurl_slist_free_all(struct curl_slist *list);

CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value);
CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value);

typedef size_t (*ccurl_write_function)(char *bytes, size_t size, size_t count, void *context);

CURLcode ccurl_set_write_function(CURL *handle, CURLoption option, ccurl_write_function function);

typedef int (*ccurl_prerequest_function)(
    void *context, char *remote_address, char *local_address, int remote_port, int local_port);

// libcurl calls it when a request is about to be sent.
CURLcode ccurl_set_prerequest_function(CURL *handle, ccurl_prerequest_function function, void *context);

CURLcode ccurl_get_long(CURL *handle, CURLINFO info, long *value);
CURLcode ccurl_get_pointer(CURL *handle, CURLINFO info, void **value);
CURLcode ccurl_get_text(CURL *handle, CURLINFO info, const char **value);
CURLcode ccurl_get_socket(CURL *handle, CURLINFO info, curl_socket_t *value);

// Whether the peer has sent anything on a connection on which nothing was asked, or has ended it.
int ccurl_has_input(curl_socket_t socket);

CURLM *ccurl_multi_init(void);
CURLMcode ccurl_multi_cleanup(CURLM *multi);
CURLMcode ccurl_multi_add_handle(CURLM *multi, CURL *handle);
CURLMcode ccurl_multi_remove_handle(CURLM *multi, CURL *handle);
CURLMcode ccurl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running);
CURLMsg *ccurl_multi_info_read(CURLM *multi, int *waiting);
const char *ccurl_multi_strerror(CURLMcode code);

typedef int (*ccurl_socket_function)(CURL *handle, curl_socket_t socket, int what, void *context, void *socket_context);
typedef int (*ccurl_timer_function)(CURLM *multi, long milliseconds, void *context);

CURLMcode ccurl_multi_set_socket_function(CURLM *multi, ccurl_socket_function function, void *context);
CURLMcode ccurl_multi_set_timer_function(CURLM *multi, ccurl_timer_function function, void *context);
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);

#endif
