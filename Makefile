# Fulgurite. `make run` serves, `make test` proves, `make bench` measures; each installs and builds what it needs first.

SHELL := /bin/bash
.DEFAULT_GOAL := build

# Debian 12 packages. The first line is what the program links, the second what builds and tests it.
PACKAGES := \
  libuv1-dev node-llhttp libnghttp2-dev libsqlite3-dev libyaml-dev libdeflate-dev zlib1g-dev libzstd-dev libssl-dev libprotobuf-c-dev \
  libcurl4-openssl-dev libbrotli-dev libpcre2-dev protobuf-c-compiler pkg-config gcc libc6-dev make python3 python3-venv sqlite3 openssl

SWIFT  ?= swift
BINARY := .build/release/fulgurite
VENV   := .build/venv
TOOLS  := .build/tools
PYTHON := $(VENV)/tests/bin/python
SOURCES := Sources Tests Benchmarks Fuzz Package.swift

.PHONY: deps bench-deps build run test test-swift test-end-to-end test-llm-aborts test-forwarding-chain test-retention tools venv lint format bench crash fuzz sanitize openapi regenerate-protobuf clean

# What `make bench` compares the LLM proxy with, and asks with.
BENCH_PACKAGES := nginx-light wrk

# Asks dpkg which packages are missing and installs only those. Without root it says what to run.
bench-deps: PACKAGES += $(BENCH_PACKAGES)
deps bench-deps:
	@missing=$$(for package in $(PACKAGES); do \
	    dpkg-query -W -f='$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || echo $$package; \
	  done | tr '\n' ' '); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ]; then \
	  echo "missing packages; run as root:" >&2; \
	  echo "apt-get install --yes --no-install-recommends $$missing" >&2; \
	  exit 1; \
	fi; \
	apt-get update --quiet && \
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $$missing

build: deps
	$(SWIFT) build -c release --static-swift-stdlib --product fulgurite

run: build
	$(BINARY) serve

test: test-swift test-end-to-end

test-swift: deps
	$(SWIFT) test --disable-xctest

# PYTEST_ARGUMENTS selects tests, for example PYTEST_ARGUMENTS='-k gzip'; '-n 0' runs them in one process, for a debugger.
test-end-to-end: build tools venv
	FULGURITE_BINARY=$(CURDIR)/$(BINARY) $(PYTHON) -m pytest Tests/EndToEnd -n 2 --dist loadfile $(PYTEST_ARGUMENTS)

# Gives up so many calls of the LLM proxy, and has as many fail; `make test` does it with 100.
LLM_ABORTS ?= 1000
test-llm-aborts: build tools venv
	LLM_ABORTS=$(LLM_ABORTS) FULGURITE_BINARY=$(CURDIR)/$(BINARY) $(PYTHON) -m pytest Tests/EndToEnd/test_llm_faults.py \
	  -k nothing_behind --timeout 1200

# Two chained servers and everything that can go wrong between them, for so many seconds and each protocol.
FORWARD_CHAIN_SECONDS ?= 600
test-forwarding-chain: build tools venv
	FORWARD_CHAIN_SECONDS=$(FORWARD_CHAIN_SECONDS) FULGURITE_BINARY=$(CURDIR)/$(BINARY) $(PYTHON) -m pytest \
	  Tests/EndToEnd/test_forwarding.py -s -k chain_for_long

# Kills a server that deletes RETENTION_KILLS times, and sends RETENTION_FILLS times as much as may be kept; `make test` does
# it 4 times, and with one and a half times as much.
RETENTION_KILLS ?= 100
RETENTION_FILLS ?= 10
test-retention: build tools venv
	RETENTION_KILLS=$(RETENTION_KILLS) RETENTION_FILLS=$(RETENTION_FILLS) FULGURITE_BINARY=$(CURDIR)/$(BINARY) \
	  $(PYTHON) -m pytest Tests/EndToEnd -k retention --timeout 3600

# The load generator and its sink; and nginx, which tests start as a provider's edge: unpacked, because an installed one
# would be started by the system.
tools: deps
	@mkdir -p $(TOOLS)
	@if [ ! -x $(TOOLS)/nginx/usr/sbin/nginx ]; then \
	  cd $(TOOLS) && (apt-get download --quiet nginx || (apt-get update --quiet && apt-get download --quiet nginx)) && \
	  dpkg-deb --extract nginx_*.deb nginx && rm nginx_*.deb; \
	fi
	$(MAKE) --no-print-directory -C Benchmarks/otlpload BIN=$(CURDIR)/$(TOOLS)

venv: deps
	Tests/EndToEnd/setup_venv.sh $(VENV)

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)

format:
	$(SWIFT) format --in-place --recursive $(SOURCES)

# BENCH_ARGUMENTS='--quick' is a smoke run; '--runs 1' measures each load once; '--only llm' measures the LLM proxy alone,
# '--only retention' what deleting costs.
bench: bench-deps build tools venv
	FULGURITE_BINARY=$(CURDIR)/$(BINARY) $(PYTHON) Benchmarks/bench.py --write docs/benchmarks.md $(BENCH_ARGUMENTS)

# ROUNDS=200 kills more often.
ROUNDS ?= 60
crash: build tools venv
	FULGURITE_BINARY=$(CURDIR)/$(BINARY) $(PYTHON) Tests/EndToEnd/crash.py --rounds $(ROUNDS)

# Runs every fuzz target that has seeds for FUZZ_SECONDS; FUZZ_TARGETS=gzip picks one. New inputs are kept in .build.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(notdir $(wildcard Fuzz/Corpus/*))
fuzz: deps
	FUZZ=1 $(SWIFT) build -c release --scratch-path .build/fuzz --product Fuzz
	@set -e; for target in $(FUZZ_TARGETS); do \
	  echo "== $$target"; \
	  mkdir -p .build/fuzz-corpus/$$target; \
	  FUZZ_TARGET=$$target SWIFT_BACKTRACE=enable=no .build/fuzz/release/Fuzz \
	    -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
	    .build/fuzz-corpus/$$target Fuzz/Corpus/$$target; \
	done

# The Swift tests under the address sanitizer, then under the thread sanitizer.
sanitize: deps
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --disable-xctest --sanitize address --scratch-path .build/address
	$(SWIFT) test --disable-xctest --sanitize thread --scratch-path .build/thread

# /openapi.json, from docs/openapi.yaml.
openapi: venv
	$(PYTHON) -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin), separators=(",", ":")), end="")' \
	  < docs/openapi.yaml > Sources/CAPIDescription/openapi.json

# The C code of the test oracle, from proto/.
regenerate-protobuf: deps
	rm -rf $(filter-out %.modulemap,$(wildcard Tests/Support/COTLP/generated/*))
	cd proto && protoc-c --proto_path=. --c_out=$(CURDIR)/Tests/Support/COTLP/generated $$(find * -name '*.proto')

clean:
	rm -rf .build
