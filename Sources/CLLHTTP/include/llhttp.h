// The name under which Debian's sources of llhttp include their header; node-llhttp installs it here.
#include "/usr/share/include/llhttp/llhttp.h"
