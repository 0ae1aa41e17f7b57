"""What retention costs: ten times its byte limit sent through a store, beside the same load without a limit."""

import threading
import time

from harness.server import Server
import loads
